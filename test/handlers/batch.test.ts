// Batches: each operation for itself, or all at once.
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { quotas } from '../../src/domain/quota.ts'
import { expectRules } from '../support/account-rules.ts'
import type { Client, Input } from '../support/client.ts'
import { test } from '../support/taskspec.ts'

type Operations = NonNullable<Input<'runBatch'>['body']>['operations']

const create = (title: string, more: object = {}) => ({ operationId: 'createTask' as const, body: { title, ...more } })
const put = (taskId: string, title: string, more: object = {}) => ({
  ...{ operationId: 'putTask' as const, path: { taskId } },
  body: { title, ...more },
})

async function run(user: Client, operations: Operations, atomic = false) {
  const { body } = await user.runBatch({ body: { atomic, operations } })
  return body.results
}

async function titles(user: Client): Promise<string[]> {
  const { body } = await user.listTasks({ query: { limit: 100, sort: 'createdAt' } })
  return body.items.map(({ title }) => title)
}

describe.for([false, true])('atomic: %s', atomic => {
  test('every operation replies as it does alone, in order', async ({ as, service }) => {
    const ann = await as('ann')
    const { body: old } = await ann.createTask({ body: { title: 'old', dueDate: '2027-03-01', recurrence: { rule: 'FREQ=DAILY' } } })
    const [taskId, categoryId, below] = [randomUUID(), randomUUID(), randomUUID()]
    const results = await run(
      ann,
      [
        create('first'),
        create('second', { labels: ['a'], completed: true }),
        { operationId: 'putCategory', path: { categoryId }, body: { name: 'Travel', sortKey: 'a5' } },
        put(taskId, 'own', { categoryId }),
        put(below, 'below', { parentId: taskId }),
        { operationId: 'updateTask', path: { taskId: old.id }, body: { completed: true }, ifMatch: `"${old.revision}"` },
        { operationId: 'moveTask', path: { taskId: below }, body: { before: taskId } },
        { operationId: 'updateCategory', path: { categoryId }, body: { color: '#1971c2' } },
        { operationId: 'deleteTask', path: { taskId: below } },
        { operationId: 'restoreFromTrash', path: { itemId: below } },
        { operationId: 'createCategory', body: { name: 'Home' } },
        { operationId: 'deleteCategory', path: { categoryId } },
        put(taskId, 'own again'),
      ],
      atomic,
    )
    expect(results.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201, 200, 200, 200, 204, 200, 201, 204, 200])
    expect(results.map(({ problem }) => problem)).toEqual(results.map(() => null))
    for (const { etag, body } of results) expect(etag).toBe(body === null ? null : `"${body.revision}"`)
    expect(results[1]?.body).toMatchObject({ title: 'second', labels: ['a'], completed: true, completedAt: expect.any(String) })
    expect(results[2]?.body).toMatchObject({ id: categoryId, sortKey: 'a5' })
    expect(results[9]?.body).toMatchObject({ id: below, parentId: taskId, categoryId })

    const { body: list } = await ann.listTasks({ query: { sort: 'createdAt' } })
    expect(list.items.map(({ title }) => title)).toEqual(['old', 'first', 'second', 'own again', 'below', 'old'])
    expect(list.items[3]).toEqual(results.at(-1)?.body)
    const { account } = await expectRules(service, ann.id)
    const revisions = new Set(results.flatMap(({ body }) => body?.revision ?? []))
    expect(revisions.size).toBe(atomic ? 1 : 11)
    if (atomic) expect(account.revision).toBe(old.revision + 1)
  })

  test('it may make the account', async ({ as }) => {
    const ann = await as('ann')
    const results = await run(ann, [create('first'), create('second')], atomic)
    expect(results.map(({ status }) => status)).toEqual([201, 201])
    expect(await titles(ann)).toEqual(['first', 'second'])
  })

  test('200 new tasks are made in one statement', async ({ as, service }) => {
    const ann = await as('ann')
    const { body: before } = await ann.createTask({ body: { title: 'x' } })
    const many = Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? create(`${index}`) : put(randomUUID(), `${index}`)))
    const results = await run(ann, many, atomic)
    expect(results.map(({ body }) => body && 'title' in body && body.title)).toEqual(many.map(({ body }) => body.title))
    const revisions = results.map(({ body }) => (body?.revision ?? 0) - before.revision)
    expect(revisions).toEqual(many.map((_, index) => (atomic ? 1 : index + 1)))
    const [row] = await service.sql<{ xacts: number }[]>`
      select count(distinct cmin::text || xmin::text)::integer as xacts from tasks where owner_id = ${ann.id} and title <> 'x'`
    expect(row?.xacts).toBe(1)
  })

  test('an id of another user is not found', async ({ as }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const { body: task } = await bob.createTask({ body: { title: 'x' } })
    const operation = { operationId: 'deleteTask' as const, path: { taskId: task.id } }
    if (atomic) await ann.runBatch({ body: { atomic, operations: [operation] } }, 404)
    else expect(await run(ann, [operation, create('y')])).toMatchObject([{ status: 404, problem: { status: 404 } }, { status: 201 }])
    await bob.getTask({ path: { taskId: task.id } })
  })

  test('the conditions of the request are about the account', async ({ as }) => {
    const ann = await as('ann')
    const { etag } = await ann.listTasks()
    const body = { atomic, operations: [create('a'), create('b')] }
    await ann.runBatch({ body, headers: { 'If-Match': etag } })
    await ann.runBatch({ body, headers: { 'If-Match': etag } }, 412)
    await ann.runBatch({ body, headers: { 'If-None-Match': '*' } }, 412)
    expect(await titles(ann)).toEqual(['a', 'b'])
  })

  test('rows that would exceed the quota are refused', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    await sql`insert into users (id, revision, profile_revision) values (${ann.id}, ${quotas.categories}, 1)`
    await sql`
      insert into categories (owner_id, id, revision, name, position)
      select ${ann.id}, gen_random_uuid(), n, 'c' || n, 0 from generate_series(1, ${quotas.categories - 3}::int) as n`
    const operations = Array.from({ length: 5 }, (_, n) => ({ operationId: 'createCategory' as const, body: { name: `new ${n}` } }))
    if (atomic) {
      const { body } = await ann.runBatch({ body: { atomic, operations } }, 409)
      expect(body).toMatchObject({ type: '/problems/quota-exceeded', detail: expect.stringContaining('Operation 3 (createCategory)') })
      await run(ann, operations.slice(0, 3), atomic)
    } else {
      const results = await run(ann, operations)
      expect(results.map(({ status }) => status)).toEqual([201, 201, 201, 409, 409])
      expect(results[4]?.problem).toMatchObject({ type: '/problems/quota-exceeded', instance: '/v1/users/me/batch' })
    }
    await ann.createCategory({ body: { name: 'one more' } }, 409)
  })
})

describe('each for itself', () => {
  test('an operation that is refused has the problem that it has alone, and does not stop the others', async ({ as }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'x' } })
    await ann.createCategory({ body: { name: 'Home' } })
    const results = await run(ann, [
      create('a'),
      create(''),
      create('b'),
      create('c', { categoryId: randomUUID() }),
      create('d'),
      create('e', { dueDate: '2027-03-01', recurrence: { rule: 'FREQ=HOURLY' } }),
      { operationId: 'updateTask', path: { taskId: 'x' }, body: {} },
      { operationId: 'updateTask', body: {} },
      { operationId: 'updateTask', path: { taskId: task.id }, body: { title: 'y' }, ifMatch: '"1"' },
      { operationId: 'updateTask', path: { taskId: task.id }, body: { title: 'y' }, ifMatch: '1' },
      { operationId: 'deleteTask', path: { taskId: randomUUID() } },
      { operationId: 'createCategory', body: { name: 'home' } },
      { operationId: 'createCategory', body: { name: 'Work' } },
      { operationId: 'createTask' },
    ])
    expect(results.map(({ status }) => status)).toEqual([201, 422, 201, 422, 201, 422, 422, 422, 412, 422, 404, 409, 201, 422])
    expect(results[1]).toMatchObject({
      etag: null,
      body: null,
      problem: { instance: '/v1/users/me/batch', requestId: expect.any(String), errors: [{ pointer: '/title' }, {}] },
    })
    expect(results[3]?.problem?.errors).toMatchObject([{ pointer: '/categoryId', location: 'body', code: 'notFound' }])
    expect(results[7]?.problem?.errors).toMatchObject([{ pointer: '/taskId', location: 'path', code: 'required' }])
    expect(results[8]).toMatchObject({ etag: `"${task.revision}"`, problem: { type: '/problems/precondition-failed' } })
    expect(results[9]?.problem?.errors).toMatchObject([{ pointer: '/if-match', location: 'header' }])
    expect(await titles(ann)).toEqual(['x', 'a', 'b', 'd'])
  })

  test('an id that is put twice is made and then replaced, also one that was deleted', async ({ as }) => {
    const ann = await as('ann')
    const [id, gone] = [randomUUID(), randomUUID()]
    await ann.putTask({ path: { taskId: gone }, body: { title: 'x' } })
    await ann.deleteTask({ path: { taskId: gone } })
    const results = await run(ann, [create('a'), put(id, 'b'), put(id.toUpperCase(), 'c'), put(gone, 'd'), put(gone, 'e')])
    expect(results.map(({ status }) => status)).toEqual([201, 201, 200, 201, 200])
    expect(await titles(ann)).toEqual(['a', 'c', 'e'])
  })

  test('a batch without operations, with too many or with another operation is refused', async ({ as }) => {
    const ann = await as('ann')
    await ann.runBatch({ body: { operations: [] } }, 422)
    await ann.runBatch({ body: { operations: Array(201).fill(create('a')) } }, 422)
    const { body } = await ann.runBatch({ body: { operations: [create('a'), { operationId: 'getTask' as 'putTask' }] } }, 422)
    expect(body.errors).toMatchObject([{ pointer: '/operations/1/operationId', code: 'enum' }])
    expect(await titles(ann)).toEqual([])
  })
})

describe('at once', () => {
  test('an operation that is refused undoes the others, and its errors say where it is', async ({ as, service }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'x' } })
    const { etag } = await ann.listTasks()
    const id = randomUUID()
    const refused = async (operation: Operations[number], status: 404 | 409 | 412 | 422) => {
      const operations = [
        create('a'),
        put(id, 'b'),
        { operationId: 'deleteTask' as const, path: { taskId: task.id } },
        operation,
        create('c'),
      ]
      const { body } = await ann.runBatch({ body: { atomic: true, operations } }, status)
      expect((await ann.listTasks()).etag).toBe(etag)
      return body
    }
    const taskId = randomUUID()
    expect(await refused({ operationId: 'deleteTask', path: { taskId } }, 404)).toMatchObject({
      type: '/problems/not-found',
      detail: expect.stringMatching(/^Operation 3 \(deleteTask\) was refused, and nothing was changed: /),
      instance: '/v1/users/me/batch',
    })
    expect(await refused({ operationId: 'updateTask', path: { taskId: id }, body: { parentId: id } }, 409)).toMatchObject({
      errors: [{ pointer: '/operations/3/body/parentId', location: 'body', code: 'cycle' }],
    })
    await refused({ operationId: 'updateTask', path: { taskId: id }, body: {}, ifMatch: '"1"' }, 412)
    expect(await refused(create('d', { categoryId: randomUUID() }), 422)).toMatchObject({
      errors: [{ pointer: '/operations/3/body/categoryId', code: 'notFound' }],
    })
    await expectRules(service, ann.id)
  })

  test('the errors of all operations are reported before anything is executed', async ({ as }) => {
    const ann = await as('ann')
    const operations = [create(''), create('a'), { operationId: 'deleteTask' as const, path: {}, ifMatch: '1' }]
    const { body } = await ann.runBatch({ body: { atomic: true, operations } }, 422)
    expect(body.errors.map(({ pointer, location }) => `${location} ${pointer}`)).toEqual([
      'body /operations/0/body/title',
      'body /operations/0/body/title',
      'body /operations/2/path/taskId',
      'body /operations/2/ifMatch',
    ])
  })

  test('conditions of a creation are about the account before the batch, others about the resource at that moment', async ({ as }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'x' } })
    const [before, path] = [`"${task.revision}"`, { taskId: task.id }]
    const update = (title: string, ifMatch: string) => ({ operationId: 'updateTask' as const, path, body: { title }, ifMatch })
    const created = [
      { ...create('a'), ifMatch: before },
      { ...create('b'), ifMatch: before },
    ]
    await run(ann, [...created, update('y', before), update('z', '*')], true)
    expect(await titles(ann)).toEqual(['z', 'a', 'b'])
    await ann.runBatch({ body: { atomic: true, operations: [{ ...create('c'), ifMatch: before }] } }, 412)
    const { etag } = await ann.listTasks()
    await ann.runBatch({ body: { atomic: true, operations: [update('v', etag), update('w', etag)] } }, 412)
    expect(await titles(ann)).toEqual(['z', 'a', 'b'])
  })

  test('what it deletes one after the other are items of their own in the trash', async ({ as, service }) => {
    const ann = await as('ann')
    const [top, below] = [randomUUID(), randomUUID()]
    await run(ann, [put(top, 'top'), put(below, 'below', { parentId: top })])
    const { body: other } = await ann.createTask({ body: { title: 'Call the bank' } })
    const moved = { operationId: 'updateTask' as const, path: { taskId: top }, body: { parentId: other.id } }
    const [first, last] = [below, top].map(taskId => ({ operationId: 'deleteTask' as const, path: { taskId } }))
    await run(ann, [first as Operations[0], moved, last as Operations[0]], true)
    await expectRules(service, ann.id)
    const { body: trash } = await ann.listTrash()
    expect(trash.items).toHaveLength(2)
  })

  test('a full account purges its trash without another revision', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    await sql`insert into users (id, revision, profile_revision) values (${ann.id}, ${quotas.categories}, 1)`
    await sql`
      insert into categories (owner_id, id, revision, name, position, deleted_at)
      select ${ann.id}, gen_random_uuid(), n, 'c' || n, 0, case when n <= 2 then now() end from generate_series(1, ${quotas.categories}::int) as n`
    const operations = ['a', 'b'].map(name => ({ operationId: 'createCategory' as const, body: { name } }))
    const results = await run(ann, operations, true)
    expect(results.map(({ etag }) => etag)).toEqual([`"${quotas.categories + 1}"`, `"${quotas.categories + 1}"`])
    expect((await ann.listCategories()).etag).toBe(`"${quotas.categories + 1}"`)
    await ann.createCategory({ body: { name: 'one more' } }, 409)
  })
})
