// The filters of tasks by their dates: what they find, what they mean by now, and that an index serves them.
import { describe, expect } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase } from '../../src/database/database.ts'
import { joined, sql as part, statement } from '../../src/database/sql.ts'
import { dateFilters, minuteOf } from '../../src/domain/dates.ts'
import { sorts } from '../../src/domain/sort.ts'
import { createTasks } from '../../src/domain/tasks.ts'
import type { Client, Input } from '../support/client.ts'
import { record } from '../support/record.ts'
import { test } from '../support/taskspec.ts'

type Draft = Input<'createTask'>['body']
type Query = NonNullable<Input<'listTasks'>['query']>

const titles = async (user: Client, query: Query) =>
  (await user.listTasks({ query: { sort: 'createdAt', ...query } })).body.items.map(({ title }) => title).join(' ')

async function create(user: Client, drafts: Record<string, Omit<Draft, 'title'>>) {
  for (const [title, draft] of Object.entries(drafts)) await user.createTask({ body: { title, ...draft } })
}

describe('ranges', () => {
  const days = { first: '0001-01-01', middle: '2027-03-01', last: '9999-12-31' }

  test.for(['due', 'start', 'deadline'] as const)(
    '%sFrom and its To include their days and exclude tasks without one',
    async (name, { as }) => {
      const ann = await as('ann')
      await create(ann, { none: {} })
      for (const [title, day] of Object.entries(days)) await create(ann, { [title]: { [`${name}Date`]: day } })
      const list = (from?: string, to?: string) => titles(ann, { ...(from && { [`${name}From`]: from }), ...(to && { [`${name}To`]: to }) })

      expect(await list(days.first)).toBe('first middle last')
      expect(await list(days.middle)).toBe('middle last')
      expect(await list('2027-03-02')).toBe('last')
      expect(await list(undefined, days.last)).toBe('first middle last')
      expect(await list(undefined, days.middle)).toBe('first middle')
      expect(await list(undefined, '2027-02-28')).toBe('first')
      expect(await list(days.middle, days.middle)).toBe('middle')
      expect(await list(days.last, days.first)).toBe('')
    },
  )

  test.for(['startFrom', 'startTo', 'deadlineFrom', 'deadlineTo'] as const)('%s refuses a day that is none', async (name, { as }) => {
    const ann = await as('ann')
    const { body } = await ann.listTasks({ query: { [name]: '2027-02-29' } }, 422)
    expect(body.errors).toMatchObject([{ pointer: `/${name}`, location: 'query', code: 'format' }])
  })
})

describe('overdue', () => {
  test('is an open task with a date that is past', async ({ as }) => {
    const ann = await as('ann')
    await create(ann, {
      past: { dueDate: '2001-01-01' },
      noon: { dueDate: '2001-01-01', dueTime: '12:00', timeZone: 'Europe/Helsinki' },
      done: { dueDate: '2001-01-01', completed: true },
      later: { dueDate: '9999-12-31', dueTime: '23:59' },
      last: { dueDate: '9999-12-31' },
      first: { dueDate: '0001-01-01' },
      undated: { startDate: '2001-01-01', deadlineDate: '2001-01-01' },
    })
    expect(await titles(ann, { overdue: true })).toBe('past noon first')
    expect(await titles(ann, { overdue: false })).toBe('done later last undated')
    expect(await titles(ann, { overdue: true, completed: true })).toBe('')
    expect(await titles(ann, { overdue: true, dueFrom: '2001-01-01', sort: 'dueDate' })).toBe('noon past')
  })

  const timed = { dueDate: '2027-03-01', dueTime: '10:00' }
  const untimed = { dueDate: '2027-03-01' }
  test.for([
    ['at its time', 'Pacific/Kiritimati', timed, '2027-02-28T20:00Z'],
    ['at its time', 'Pacific/Pago_Pago', timed, '2027-03-01T21:00Z'],
    ['at its time', 'Asia/Kathmandu', timed, '2027-03-01T04:15Z'],
    ['when its day is over', 'Pacific/Kiritimati', untimed, '2027-03-01T10:00Z'],
    ['when its day is over', 'Pacific/Pago_Pago', untimed, '2027-03-02T11:00Z'],
    ['in UTC', null, timed, '2027-03-01T10:00Z'],
    ['in a time zone that PostgreSQL does not know: in UTC', 'Mars/Olympus', untimed, '2027-03-02T00:00Z'],
    ['at a time that the clocks skip: as much later', 'Europe/Helsinki', { dueDate: '2027-03-28', dueTime: '03:30' }, '2027-03-28T01:30Z'],
    ['at a time that comes twice: at the second', 'Europe/Helsinki', { dueDate: '2027-10-31', dueTime: '03:30' }, '2027-10-31T01:30Z'],
  ] as const)('is a task %s: %s', async ([, timeZone, due, instant], { as, service }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    await create(ann, { 'zone of the task': due })
    await create(bob, { 'zone of the profile': due })
    const { sql, databaseUrl } = service
    await sql`update tasks set time_zone = ${timeZone} where owner_id = ${ann.id}`
    await sql`update users set time_zone = ${timeZone} where id = ${bob.id}`
    if (timeZone !== null) await ann.updateUser({ body: { timeZone: 'America/New_York' } })

    const observe = (text: string) => record('statements', text)
    const db = createDatabase({ url: parseDatabaseUrl(databaseUrl), poolSize: 1, timeoutFactor: 10, observe })
    const count = async (owner: string, overdue: boolean, at: number) =>
      (await createTasks(db).list(owner, { limit: 9, sort: 'dueDate', overdue }, at)()).body.items.length
    const minute = Date.parse(instant) / 60_000
    for (const { id } of [ann, bob]) {
      expect([await count(id, true, minute - 1), await count(id, false, minute - 1)]).toEqual([0, 1])
      expect([await count(id, true, minute), await count(id, false, minute)]).toEqual([1, 0])
    }
    await db.close()
  })

  test('follows a new time zone of the profile at once', async ({ as }) => {
    const ann = await as('ann')
    // 25 hours lie between the two zones, so it is never the same day in both.
    const day = new Date().toLocaleDateString('sv', { timeZone: 'Pacific/Pago_Pago' })
    await create(ann, { a: { dueDate: day } })
    await ann.updateUser({ body: { timeZone: 'Pacific/Kiritimati' } })
    expect(await titles(ann, { overdue: true })).toBe('a')
    expect(await titles(ann, { overdue: false })).toBe('')
  })

  test('has an ETag of the minute, because the list changes without a change of the account', async ({ as }) => {
    const ann = await as('ann')
    await create(ann, { past: { dueDate: '2001-01-01' } })
    const plain = (await ann.listTasks()).etag
    const { etag } = await ann.listTasks({ query: { overdue: true } })
    const minute = Number(etag.slice(plain.length - 1, -1))
    expect(etag).toBe(`${plain.slice(0, -1)}${minute}"`)
    expect(minute).toBeLessThanOrEqual(Date.now() / 60_000)

    const again = await ann.send('GET', '/v1/users/me/tasks?overdue=true', { headers: { 'if-none-match': etag } })
    expect(again.status === 304 || again.headers.get('etag') !== etag).toBe(true) // the minute may have ended
    await ann.listTasks({ query: { overdue: true }, headers: { 'If-None-Match': plain } }, 200)
    await ann.listTasks({ query: { overdue: true }, headers: { 'If-Match': plain } }, 412)
    expect(minuteOf({ limit: 1, sort: 'title' })).toBeUndefined()
  })
})

describe('an index of the owner', () => {
  const owner = 'dated'
  const minute = Date.parse('2027-01-05T00:00Z') / 60_000
  const bound = /Index Cond: .*owner_id = 'dated'/
  const dated = /Index Cond: .*owner_id = 'dated'.*COALESCE\(due_date/

  test.for([
    [{ dueFrom: '2027-03-25' }, dated],
    [{ dueTo: '2027-01-05' }, dated],
    [{ overdue: true }, dated],
    [{ overdue: false }, bound],
    [{ startFrom: '2027-03-01' }, bound],
    [{ startTo: '2027-01-01' }, bound],
    [{ deadlineFrom: '2027-03-01' }, bound],
    [{ deadlineTo: '2027-02-01' }, bound],
  ] as const)('serves %o', async ([filter, condition], { service: { sql } }) => {
    await sql`insert into users (id, revision, profile_revision) select unnest(array[${owner}, 'other']), 5000, 1 on conflict do nothing`
    await sql`
      insert into tasks (owner_id, id, title, priority, labels, revision, due_date, start_date, deadline_date)
      select owner, md5(n::text)::uuid, n, 'none', '{}', n, case when n % 2 = 0 then day end, day, day
      from unnest(array[${owner}, 'other']) as owner, generate_series(1, 4000) as n, lateral (select date '2027-01-01' + n % 90) as each (day)
      on conflict do nothing`
    await sql`analyze tasks`
    for (const sort of ['dueDate', '-createdAt'] as const) {
      const conditions = joined(dateFilters(owner, { limit: 20, sort, ...filter }, minute))
      const page = part`
        select id from tasks as item
        where owner_id = ${owner} and deleted_at is null ${conditions}
        order by ${sorts[sort].order} limit 21`
      const { text, values } = statement('', page)
      const plan = await sql.unsafe(`explain (costs off) ${text}`, values as never)
      const lines = plan.map(row => row['QUERY PLAN']).join('\n')
      expect(lines).not.toContain('Seq Scan on tasks')
      expect(lines).toMatch(sort === 'dueDate' ? condition : bound)
    }
  })
})
