// Citus accepts every statement that the run has sent. The text decides, because a run misses what depends on values.
import postgres from 'postgres'
import { afterAll, describe, expect, test } from 'vitest'
import { createCitusAudit } from '../support/citus-audit.ts'
import { readRecord } from '../support/record.ts'

const tables = ['users', 'categories', 'tasks', 'webhooks', 'webhook_deliveries', 'rate_limits']
const statements = (await readRecord<string>('statements')).filter(text => tables.some(table => text.includes(table)))

const [url] = (await readRecord<string>('database')) as [string]
const sql = postgres(url, { max: 1 })
const audit = await createCitusAudit(sql)
afterAll(() => sql.end())

test('Citus accepts every statement', async () => {
  expect(tables.filter(table => !statements.some(text => text.includes(table)))).toEqual([])
  const bad = await Promise.all(statements.map(async text => ({ text, wrong: await audit(text) })))
  expect(bad.filter(({ wrong }) => wrong.length > 0)).toEqual([])
})

const upsert = 'insert into users (id, revision, profile_revision) values ($1, 1, 1) on conflict (id) do update set'

describe('the audit finds', () => {
  test.each([
    ['a stable function in a conflict', `${upsert} updated_at = now()`, 'now() in ON CONFLICT is not immutable'],
    ['a volatile function in a conflict', `${upsert} updated_at = clock_timestamp()`, 'clock_timestamp() in ON CONFLICT is not immutable'],
    ['a keyword in a conflict', `${upsert} updated_at = current_timestamp`, 'current_… in ON CONFLICT is not immutable'],
    [
      'a stable operator in a conflict',
      `${upsert} updated_at = excluded.updated_at + interval '1 day'`,
      'timestamptz_pl_interval() in ON CONFLICT is not immutable',
    ],
    ['a stable cast in a conflict', `${upsert} updated_at = users.name::timestamptz`, 'timestamptz_in() in ON CONFLICT is not immutable'],
    ['a stable cast to text in a conflict', `${upsert} name = users.updated_at::text`, 'timestamptz_out() in ON CONFLICT is not immutable'],
    [
      'a stable function in the condition of a conflict',
      `${upsert} revision = 2 where users.updated_at < now()`,
      'now() in ON CONFLICT is not immutable',
    ],
    [
      'a subquery in the condition of a conflict',
      `${upsert} revision = 2 where exists (select from tasks where owner_id = $1)`,
      'there is a subquery in the WHERE of ON CONFLICT',
    ],
    [
      'a stable function in COALESCE',
      'update tasks set completed_at = coalesce(completed_at, now()) where owner_id = $1',
      'now() in CASE or COALESCE is not immutable',
    ],
    [
      'a keyword in CASE',
      'update tasks set completed_at = case when title = $2 then current_timestamp end where owner_id = $1',
      'current_… in CASE or COALESCE is not immutable',
    ],
    [
      'a stable function in COALESCE in a condition',
      'delete from tasks where owner_id = $1 and coalesce(completed_at, now()) < $2',
      'now() in CASE or COALESCE is not immutable',
    ],
    [
      'a stable operator on a column',
      "update tasks set completed_at = completed_at + interval '1 day' where owner_id = $1",
      'timestamptz_pl_interval() of a column is not immutable',
    ],
    [
      'a volatile function in an update',
      'update users set name = gen_random_uuid()::text where id = $1',
      'gen_random_uuid() in UPDATE or DELETE is volatile',
    ],
    [
      'a volatile function in a subquery of an update',
      'update users set revision = 2 where id = $1 and exists (select from tasks where owner_id = $1 and random() < 1)',
      'random() in UPDATE or DELETE is volatile',
    ],
    [
      'a volatile function in a CTE that deletes',
      'with gone as (delete from tasks where owner_id = $1 and id = uuidv7() returning id) select id from gone',
      'uuidv7() in UPDATE or DELETE is volatile',
    ],
    [
      'a stable function in RETURNING',
      'update users set revision = 2 where id = $1 returning to_jsonb(users)',
      'to_jsonb() in RETURNING is not immutable',
    ],
    [
      'an insert out of a query that returns rows of a table without an alias',
      'with c as (select id from users where id = $1) insert into tasks (owner_id, title) select c.id, $2 from c returning id',
      'inserts out of a query and returns rows without an alias for the table',
    ],
    ['an unknown function', 'update users set name = unheard_of(name) where id = $1', 'function unheard_of(text) does not exist'],
  ])('%s', async (_, statement, fault) => {
    expect(await audit(statement)).toContain(fault)
  })
})

describe('the audit accepts', () => {
  test.each([
    ['the new row and immutable functions in a conflict', `${upsert} updated_at = excluded.updated_at, name = upper(excluded.name)`],
    [
      'an immutable operator in a conflict',
      `${upsert} updated_at = ((users.updated_at at time zone 'UTC') + interval '1 day') at time zone 'UTC'`,
    ],
    [
      'a subquery in the conflict of a statement that several callers share',
      `with asked as (select $1 as owner) insert into users as u (id, revision, profile_revision) select asked.owner, 1, 1 from asked
      on conflict (id) do update set revision = 2 where exists (select from asked where asked.owner = u.id)`,
    ],
    [
      'now() in a subquery of COALESCE',
      'update tasks set completed_at = coalesce(completed_at, (select now())), title = coalesce($2, lower(title)) where owner_id = $1',
    ],
    ['now() in an update', "update tasks set updated_at = now() where owner_id = $1 and created_at > now() - interval '1 day'"],
    ['a volatile function in an insert', "insert into tasks (owner_id, id, title) values ($1, uuidv7(), 'a')"],
    [
      'an insert out of a query that returns rows of a table with an alias',
      'with c as (select id from users where id = $1) insert into tasks as t (owner_id, title) select c.id, $2 from c returning t.id',
    ],
    ['any function in a read', 'select coalesce(completed_at, now()), random() from tasks where owner_id = $1'],
  ])('%s', async (_, statement) => {
    expect(await audit(statement)).toEqual([])
  })
})
