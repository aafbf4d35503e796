// The list of changes: the snapshot, the delta after it, and cursors. test/domain/changes.test.ts has races, purges and erasures.
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { type Ann, follow, type Page } from '../support/changes.ts'
import { exampleBody, operation } from '../support/spec.ts'
import { test } from '../support/taskspec.ts'

const kindsOf = ({ items }: Pick<Page, 'items'>) => items.map(({ kind }) => kind)

async function fill(ann: Ann) {
  const { body: user } = await ann.getUser()
  const { body: category } = await ann.createCategory({ body: { name: 'Home' } })
  const { body: task } = await ann.createTask({ body: exampleBody(operation('createTask')) as { title: string } })
  const { body: calendar } = await ann.createCalendar({ body: { name: 'Plans', labels: ['x'] } })
  return { user, category, task, calendar }
}

describe('the snapshot', () => {
  test('has each resource as its GET shows it, in the order of the revisions', async ({ as }) => {
    const ann = await as('ann')
    const { user, category, task, calendar } = await fill(ann)
    const { items, ...page } = (await ann.listChanges()).body
    expect(items).toEqual([
      { kind: 'user', id: ann.id, revision: user.revision, deletedAt: null, resource: user },
      { kind: 'category', id: category.id, revision: category.revision, deletedAt: null, resource: category },
      { kind: 'task', id: task.id, revision: task.revision, deletedAt: null, resource: task },
      { kind: 'calendar', id: calendar.id, revision: calendar.revision, deletedAt: null, resource: { ...calendar, url: null } },
    ])
    expect(page).toEqual({ nextCursor: expect.any(String), hasMore: false, groupComplete: true, revision: calendar.revision })
  })

  test('has webhooks without their secrets, which deliveries do not change', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const { body: webhook } = await ann.createWebhook({ body: { url: 'https://example.com/hook' } })
    const path = { webhookId: webhook.id }
    const { items, last } = await follow(ann)
    const { id, revision } = webhook
    expect(items.slice(1)).toEqual([{ kind: 'webhook', id, revision, deletedAt: null, resource: { ...webhook, secret: null } }])
    await sql`update webhooks set delivered_revision = delivered_revision + 1, failing_since = now() where owner_id = ${ann.id}`
    await ann.testWebhook({ path })
    expect((await follow(ann, { cursor: last.nextCursor })).items).toEqual([])
    await ann.rotateWebhookSecret({ path })
    expect(kindsOf((await ann.listChanges({ query: { cursor: last.nextCursor } })).body)).toEqual(['webhook'])
    await ann.deleteWebhook({ path })
    const deleted = { kind: 'webhook', id, deletedAt: expect.any(String), resource: null }
    expect((await follow(ann, { cursor: last.nextCursor })).items).toMatchObject([deleted])
  })

  test('has no tombstones, while the delta after it has those of later', async ({ as }) => {
    const ann = await as('ann')
    const { task, category } = await fill(ann)
    await ann.deleteTask({ path: { taskId: task.id } })
    const { last, items } = await follow(ann, { limit: 1 })
    expect(items.map(({ kind }) => kind)).toEqual(['user', 'category', 'calendar'])
    await ann.deleteCategory({ path: { categoryId: category.id } })
    const { body } = await ann.listChanges({ query: { cursor: last.nextCursor } })
    expect(body.items).toEqual([
      { kind: 'category', id: category.id, revision: body.revision, deletedAt: expect.any(String), resource: null },
    ])
  })

  test('is empty before the first contact, and what follows is the account', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const { body: none } = await ann.listChanges()
    expect(none).toEqual({ items: [], nextCursor: expect.any(String), hasMore: false, groupComplete: true, revision: 0 })
    expect((await ann.listChanges({ query: { cursor: none.nextCursor } })).body).toEqual(none)
    expect(await sql`select from users where id = ${ann.id}`).toHaveLength(0)
    await ann.createTask({ body: { title: 'a' } })
    expect(kindsOf((await ann.listChanges({ query: { cursor: none.nextCursor } })).body)).toEqual(['user', 'task'])
  })
})

describe('the delta', () => {
  test('has what has changed since, once, as it is now', async ({ as }) => {
    const ann = await as('ann')
    const { task } = await fill(ann)
    const { last } = await follow(ann)
    const path = { taskId: task.id }
    for (const title of ['b', 'c']) await ann.updateTask({ path, body: { title } })
    await ann.updateUser({ body: { name: 'Ann' } })
    const { items } = (await ann.listChanges({ query: { cursor: last.nextCursor } })).body
    expect(items.map(({ kind, resource }) => [kind, resource])).toEqual([
      ['task', (await ann.getTask({ path })).body],
      ['user', (await ann.getUser()).body],
    ])
  })

  test('is empty without a change, and its cursor remains the same', async ({ as }) => {
    const ann = await as('ann')
    await fill(ann)
    const { last } = await follow(ann)
    const { body } = await ann.listChanges({ query: { cursor: last.nextCursor } })
    expect(body).toEqual({ ...last, items: [] })
  })

  test('goes on after an update that changes nothing in the account, such as the use of a calendar', async ({ as, anonymous }) => {
    const ann = await as('ann')
    const { calendar } = await fill(ann)
    const { last } = await follow(ann)
    const [, feedToken = ''] = /calendars\/(.*)\.ics/.exec(calendar.url as string) ?? []
    await anonymous.getCalendarFeed({ path: { feedToken } })
    expect((await ann.listChanges({ query: { cursor: last.nextCursor } })).body.items).toEqual([])
  })

  test('has a restored task, and the same for one that is made again under its id', async ({ as }) => {
    const ann = await as('ann')
    const [restored, again] = [randomUUID(), randomUUID()]
    for (const taskId of [restored, again]) await ann.putTask({ path: { taskId }, body: { title: 'a' } }, 201)
    for (const taskId of [restored, again]) await ann.deleteTask({ path: { taskId } })
    const { last } = await follow(ann)
    await ann.restoreFromTrash({ path: { itemId: restored } })
    await ann.putTask({ path: { taskId: again }, body: { title: 'b' } }, 201)
    const { items } = (await ann.listChanges({ query: { cursor: last.nextCursor } })).body
    expect(items.map(({ id, deletedAt }) => [id, deletedAt])).toEqual([
      [restored, null],
      [again, null],
    ])
  })

  test.for([1, 2, 3, 4, 100])('says whether a page has the whole of its last revision, by %i', async (limit, { as }) => {
    const ann = await as('ann')
    const { last } = await follow(ann)
    const categoryId = randomUUID()
    const create = () => ({ operationId: 'putTask' as const, path: { taskId: randomUUID() }, body: { title: 'a', categoryId } })
    const operations = [{ operationId: 'putCategory' as const, path: { categoryId }, body: { name: 'Home' } }, create(), create(), create()]
    await ann.runBatch({ body: { atomic: true, operations } })
    await ann.createTask({ body: { title: 'b' } })
    const { pages, items } = await follow(ann, { limit, cursor: last.nextCursor })
    const whole = items.filter(({ kind }) => kind !== 'user')
    expect(whole.map(({ kind }) => kind)).toEqual(['category', 'task', 'task', 'task', 'task'])
    expect(new Set(whole.slice(0, 4).map(({ revision }) => revision)).size).toBe(1)
    let seen = 0
    for (const { items: page, groupComplete, hasMore } of pages) {
      seen += page.length
      expect(groupComplete).toBe(items[seen - 1]?.revision !== items[seen]?.revision)
      expect(hasMore).toBe(seen < items.length)
    }
  })
})

describe('a cursor', () => {
  const encoded = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')
  const id = randomUUID()

  test.for([
    'abc',
    encoded('-createdAt', '2027-01-01T00:00:00Z', id),
    encoded('changes', 'x'),
    encoded('changes', 'x', 0, -1),
    encoded('changes', 'x', 0, 1.5),
    encoded('changes', 'x', '0', 1),
    encoded('changes', 1, 0, 1),
    encoded('changes', 'x', 0, 1, 'note', id),
    encoded('changes', 'x', 0, 1, 'task'),
    encoded('changes', 'x', 0, 1, 'task', "'"),
  ])('that is malformed is 422: %s', async (cursor, { as }) => {
    const ann = await as('ann')
    await ann.getUser()
    const { body } = await ann.listChanges({ query: { cursor } }, 422)
    expect(body.errors).toEqual([{ location: 'query', pointer: '/cursor', code: 'cursor', message: expect.any(String) }])
  })

  test('of another user is 410, and shows nothing', async ({ as }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    await fill(ann)
    await fill(bob)
    const { last } = await follow(bob)
    const { headers, body } = await ann.listChanges({ query: { cursor: last.nextCursor } }, 410)
    expect(body).toMatchObject({ type: '/problems/cursor-expired', errors: [] })
    expect(headers.get('link')).toBe('<changes>; rel="first"')
    await ann.listChanges({ path: { userId: bob.id }, query: { cursor: last.nextCursor } }, 403)
  })

  test('of a list is none of this one, and the other way round', async ({ as }) => {
    const ann = await as('ann')
    for (const title of ['a', 'b']) await ann.createTask({ body: { title } })
    const { nextCursor } = (await ann.listTasks({ query: { limit: 1 } })).body
    await ann.listChanges({ query: { cursor: nextCursor as string } }, 422)
    await ann.listTasks({ query: { cursor: (await ann.listChanges()).body.nextCursor } }, 422)
  })
})
