import { describe, expect } from 'vitest'
import type { Client, Input } from '../support/client.ts'
import { test } from '../support/taskspec.ts'

type Draft = Omit<Input<'createTask'>['body'], 'title'>

const none = { open: 0, overdue: 0, dueToday: 0, dueNext7Days: 0, withoutDate: 0, categories: [], labels: [] }

const create = (user: Client, drafts: Draft[]) => Promise.all(drafts.map(draft => user.createTask({ body: { title: 'a', ...draft } })))

function shifted(day: string, days: number) {
  const date = new Date(day)
  date.setUTCDate(date.getUTCDate() + days)
  return date.toISOString().slice(0, 10)
}

describe('the account', () => {
  test('without tasks counts 0, also before the first contact, and is not created', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const { body } = await ann.getSummary()
    expect(body).toEqual({ ...none, today: body.today, timeZone: 'UTC' })
    expect(await sql`select from users where id = ${ann.id}`).toHaveLength(0)
    await ann.updateUser({ body: { timeZone: 'Europe/Helsinki' } })
    expect((await ann.getSummary()).body).toMatchObject({ ...none, timeZone: 'Europe/Helsinki' })
  })

  test('counts its own open tasks only', async ({ as }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const overdue = { dueDate: '2001-01-01', labels: ['x'] }
    await create(bob, [overdue, {}])
    await create(ann, [overdue, { ...overdue, completed: true }])
    const [deleted] = await create(ann, [overdue])
    await ann.deleteTask({ path: { taskId: deleted?.body.id as string } })
    expect((await ann.getSummary()).body).toMatchObject({
      ...none,
      open: 1,
      overdue: 1,
      categories: [{ categoryId: null, open: 1, overdue: 1 }],
      labels: [{ name: 'x', open: 1, overdue: 1 }],
    })
  })

  test('is only that of the caller', async ({ as, anonymous }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    await bob.getSummary({ path: { userId: ann.id } }, 403)
    await anonymous.getSummary({ path: { userId: ann.id } }, 401)
  })
})

describe('days', () => {
  test.for(['Pacific/Kiritimati', 'Pacific/Pago_Pago', 'Europe/Helsinki', null])(
    'are those of the time zone %s',
    async (timeZone, { as }) => {
      const ann = await as('ann')
      await ann.updateUser({ body: { timeZone } })
      const dayThere = () => new Date().toLocaleDateString('sv', { timeZone: timeZone ?? 'UTC' })
      const before = dayThere()
      const days = [-9, -2, -1, 0, 1, 2, 7, 8, 9].map(days => shifted(before, days))
      await create(ann, [...days.map(dueDate => ({ dueDate })), {}, { dueDate: before, completed: true }])

      const { body } = await ann.getSummary()
      expect([before, dayThere()]).toContain(body.today)
      const count = (from: string, to: string) => days.filter(day => day >= from && day <= to).length
      expect(body).toMatchObject({
        timeZone: timeZone ?? 'UTC',
        open: 10,
        overdue: count('0001-01-01', shifted(body.today, -1)),
        dueToday: count(body.today, body.today),
        dueNext7Days: count(shifted(body.today, 1), shifted(body.today, 7)),
        withoutDate: 1,
      })
      const listed = async (query: Input<'listTasks'>['query']) =>
        (await ann.listTasks({ query: { completed: false, ...query } })).body.items.length
      expect(await listed({ dueFrom: body.today, dueTo: body.today })).toBe(body.dueToday)
      expect(await listed({ dueFrom: shifted(body.today, 1), dueTo: shifted(body.today, 7) })).toBe(body.dueNext7Days)
    },
  )

  test('a task can be due today and overdue', async ({ as }) => {
    const ann = await as('ann')
    const { today } = (await ann.getSummary()).body
    await create(ann, [{ dueDate: today, dueTime: '00:00' }])
    const { body } = await ann.getSummary()
    expect(body).toMatchObject({ overdue: 1, dueToday: body.today === today ? 1 : 0 })
  })
})

describe('categories', () => {
  test('are those with open tasks, sorted by id, and then null', async ({ as }) => {
    const ann = await as('ann')
    const ids = await Promise.all(['a', 'b', 'c', 'd'].map(async name => (await ann.createCategory({ body: { name } })).body.id))
    const [first, second, third] = ids.sort()
    const overdue = { dueDate: '2001-01-01' }
    const drafts = [
      { categoryId: second, ...overdue },
      { categoryId: first },
      { categoryId: second },
      { categoryId: third, completed: true },
    ]
    await create(ann, [overdue, ...drafts] as Draft[])
    const { body } = await ann.getSummary()
    expect(body).toMatchObject({ open: 4, overdue: 2 })
    expect(body.categories).toEqual([
      { categoryId: first, open: 1, overdue: 0 },
      { categoryId: second, open: 2, overdue: 1 },
      { categoryId: null, open: 1, overdue: 1 },
    ])
    await ann.deleteCategory({ path: { categoryId: second as string } })
    expect((await ann.getSummary()).body.categories).toEqual([
      { categoryId: first, open: 1, overdue: 0 },
      { categoryId: null, open: 3, overdue: 2 },
    ])
  })
})

describe('labels', () => {
  test('that look alike are one, in the spelling of most open tasks', async ({ as }) => {
    const ann = await as('ann')
    const past = '2001-01-01'
    await create(ann, [
      { labels: ['home', 'x'], dueDate: past },
      { labels: ['home', 'X'] },
      { labels: ['HOME', 'Home', 'home'], dueDate: past },
      { labels: ['HOME', 'y'], completed: true },
      {},
    ])
    expect((await ann.getSummary()).body.labels).toEqual([
      { name: 'home', open: 3, overdue: 2 },
      { name: 'X', open: 2, overdue: 1 },
    ])
  })

  test('are the 100 that most tasks have, the most frequent first', async ({ as }) => {
    const ann = await as('ann')
    const names = Array.from({ length: 120 }, (_, n) => `label ${String(n).padStart(3, '0')}`)
    await create(ann, [{ labels: names.slice(0, 50) }, { labels: names.slice(50, 100) }, { labels: names.slice(100) }])
    await create(ann, [{ labels: names.slice(110) }])
    const expected = [
      ...names.slice(110).map(name => ({ name, open: 2, overdue: 0 })),
      ...names.slice(0, 90).map(name => ({ name, open: 1, overdue: 0 })),
    ]
    expect((await ann.getSummary()).body.labels).toEqual(expected)
  })
})

describe('the ETag', () => {
  test('is that of the account with the minute, because the counts change without a change of the account', async ({ as }) => {
    const ann = await as('ann')
    await create(ann, [{}])
    const account = (await ann.listTasks()).etag
    const { etag } = await ann.getSummary()
    const minute = Number(etag.slice(account.length - 1, -1))
    expect(etag).toBe(`${account.slice(0, -1)}${minute}"`)
    expect(minute).toBeLessThanOrEqual(Date.now() / 60_000)

    const again = await ann.send('GET', '/v1/users/me/summary', { headers: { 'if-none-match': etag } })
    expect(again.status === 304 || again.headers.get('etag') !== etag).toBe(true) // the minute may have ended
    await ann.getSummary({ headers: { 'If-None-Match': account } }, 200)
    await ann.getSummary({ headers: { 'If-Match': account } }, 412)
    await ann.getSummary({ headers: { 'If-Match': '*' } }, 200)
    await ann.getSummary({ headers: { 'If-None-Match': '*' } }, 304)
  })

  test('changes with a task and with the time zone of the profile', async ({ as }) => {
    const ann = await as('ann')
    await create(ann, [{ labels: ['x'] }])
    const first = await ann.getSummary()
    await create(ann, [{}])
    const second = await ann.getSummary({ headers: { 'If-None-Match': first.etag } }, 200)
    expect(second.body.open).toBe(2)
    await ann.updateUser({ body: { timeZone: 'Asia/Tokyo' } })
    const third = await ann.getSummary({ headers: { 'If-None-Match': second.etag } }, 200)
    expect(third.body.timeZone).toBe('Asia/Tokyo')
  })
})
