// The statement of the summary: what it counts at a given minute, that it keeps the rules for statements, and that an index serves it.
import { expect } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase, type Database } from '../../src/database/database.ts'
import { type Part, type Statement, statement } from '../../src/database/sql.ts'
import { createSummary } from '../../src/domain/summary.ts'
import { record } from '../support/record.ts'
import { createStatementAudit } from '../support/statement-audit.ts'
import { type Service, test } from '../support/taskspec.ts'

const minuteAt = (instant: string) => Date.parse(instant) / 60_000

async function summaryAt({ databaseUrl }: Service, owner: string, instant: string) {
  const observe = (text: string) => record('statements', text)
  const db = createDatabase({ url: parseDatabaseUrl(databaseUrl), poolSize: 1, timeoutFactor: 10, observe })
  const { body } = await createSummary(db).read(owner, minuteAt(instant))
  await db.close()
  return body
}

/** The statement that reads the summary. */
async function statementOf(owner: string, instant: string): Promise<Statement> {
  const sent: Statement[] = []
  async function read<Row>(name: string, text: Part) {
    sent.push(statement(name, text))
    return [{}] as Row[]
  }
  await createSummary({ read, lookup: () => () => async () => [] } as unknown as Database).read(owner, minuteAt(instant))
  return sent[0] as Statement
}

test.for([
  ['Pacific/Kiritimati', '2027-02-28T09:59Z', '2027-02-28'],
  ['Pacific/Kiritimati', '2027-02-28T10:00Z', '2027-03-01'],
  ['Pacific/Pago_Pago', '2027-03-01T10:59Z', '2027-02-28'],
  ['Pacific/Pago_Pago', '2027-03-01T11:00Z', '2027-03-01'],
  ['Europe/Helsinki', '2027-03-28T20:59Z', '2027-03-28'],
  ['Europe/Helsinki', '2027-03-28T21:00Z', '2027-03-29'],
  ['Africa/Cairo', '2027-04-29T21:59Z', '2027-04-29'], // the clocks skip the first hour of the next day
  ['Africa/Cairo', '2027-04-29T22:00Z', '2027-04-30'],
  ['Mars/Olympus', '2027-02-28T23:59Z', '2027-02-28'], // PostgreSQL does not know it: UTC
  [null, '2027-03-01T00:00Z', '2027-03-01'],
] as const)('in the time zone %s it is at %s the day %s', async ([timeZone, instant, today], { as, service }) => {
  const ann = await as('ann')
  const dayAfter = (days: number) => new Date(Date.parse(today) + days * 86_400_000).toISOString().slice(0, 10)
  for (const days of [-1, 0, 1, 7, 8]) await ann.createTask({ body: { title: 'a', dueDate: dayAfter(days) } })
  await service.sql`update users set time_zone = ${timeZone} where id = ${ann.id}`
  expect(await summaryAt(service, ann.id, instant)).toMatchObject({
    today,
    timeZone: timeZone ?? 'UTC',
    open: 5,
    overdue: 1,
    dueToday: 1,
    dueNext7Days: 2,
  })
})

test('a time is in the time zone of its task, else of the profile', async ({ as, service }) => {
  const ann = await as('ann')
  await ann.updateUser({ body: { timeZone: 'Europe/Helsinki' } })
  const due = { title: 'a', dueDate: '2027-03-01', dueTime: '10:00' }
  for (const timeZone of ['Pacific/Kiritimati', null, 'Pacific/Pago_Pago']) await ann.createTask({ body: { ...due, timeZone } })
  const overdueAt = async (instant: string) => (await summaryAt(service, ann.id, instant)).overdue
  expect(await overdueAt('2027-02-28T19:59Z')).toBe(0)
  expect(await overdueAt('2027-02-28T20:00Z')).toBe(1)
  expect(await overdueAt('2027-03-01T07:59Z')).toBe(1)
  expect(await overdueAt('2027-03-01T08:00Z')).toBe(2)
  expect(await overdueAt('2027-03-01T20:59Z')).toBe(2)
  expect(await overdueAt('2027-03-01T21:00Z')).toBe(3)
})

test('the statement binds the owner and excludes tombstones', async () => {
  const { text } = await statementOf('ann', '2027-03-01T00:00Z')
  const audit = createStatementAudit({ owners: { users: 'id', tasks: 'owner_id' }, tombstones: ['tasks'] })
  expect(await audit(text)).toEqual([])
})

test('in an account of 20,000 tasks an index finds the open ones, and the tasks are read once', async ({ service }) => {
  const { sql } = service
  await sql`insert into users (id, revision, profile_revision) select owner, 1, 1 from unnest('{large,other}'::text[]) as owner`
  await sql`
    insert into tasks (owner_id, id, title, completed_at, priority, labels, due_date, revision)
    select owner, md5(n::text)::uuid, n, case when n % 100 > 0 then now() end, 'none', '{x}', date '2027-01-01' + n % 90, n
    from unnest('{large,other}'::text[]) as owner, generate_series(1, 20000) as n`
  await sql`analyze tasks`
  expect(await summaryAt(service, 'large', '2027-02-01T00:00Z')).toMatchObject({ open: 200, labels: [{ name: 'x', open: 200 }] })
  const { text, values } = await statementOf('large', '2027-02-01T00:00Z')
  const rows = await sql.unsafe(`explain (costs off) ${text}`, values as never)
  const plan = rows.map(row => row['QUERY PLAN']).join('\n')
  expect(plan).not.toContain('Seq Scan on tasks')
  expect(plan.match(/ on tasks /g)).toHaveLength(1)
  expect(plan).toMatch(/Index Cond: \(\(owner_id = 'large'::text\) AND \(completed = false\)\)/)
})
