// Parses every statement that the run has sent: it binds the owner on each table with user data, and excludes deleted rows.
import { describe, expect, test } from 'vitest'
import { readRecord } from '../support/record.ts'
import { createStatementAudit } from '../support/statement-audit.ts'

// The owner column of every table with user data.
const owners: Record<string, string> = {
  users: 'id',
  ...Object.fromEntries(
    ['categories', 'tasks', 'calendars', 'webhooks', 'webhook_deliveries', 'idempotency_keys'].map(name => [name, 'owner_id']),
  ),
}
const tablesInTrash = ['categories', 'tasks']
const tablesWithTombstones = [...tablesInTrash, 'calendars', 'webhooks']
// Statements that include deleted rows on purpose, identified by a part of their text, each with its reason.
const exceptions = [
  { part: 'set category_id = null', table: 'tasks', reason: 'the tombstone of a task must not refer to a deleted category either' },
  ...tablesWithTombstones.flatMap(table => [
    { part: 'select item.id as taken', table, reason: 'a tombstone has its id, too' },
    { part: `select count(*) from ${table}`, table, reason: 'tombstones take room as well' },
    { part: `delete from ${table} as item`, table, reason: 'only tombstones are removed for good' },
    { part: `select owner_id from ${table} where deleted_at <`, table, reason: 'old tombstones are looked for' },
    { part: `and not exists (select from ${table} as`, table, reason: 'a tombstone keeps its id, also for a key that has created it' },
    { part: 'item.deleted_at is not null as is_deleted', table, reason: 'the same' },
    { part: 'or item.revision >', table, reason: 'a tombstone is a change' },
    { part: `select max(item.revision) from ${table}`, table, reason: 'the same' },
  ]),
  { part: 'select owner_id from webhooks where owner_id >', table: 'webhooks', reason: 'a step of the walk is as many rows, of any kind' },
  ...tablesInTrash.flatMap(table => [
    { part: "select 'task' as kind", table, reason: 'the trash shows tombstones' },
    { part: "select 'task' as role", table, reason: 'what is restored or removed is a tombstone' },
    { part: 'set deleted_at = null,', table, reason: 'only a tombstone is restored' },
    { part: `or exists (select from ${table} as`, table, reason: 'a tombstone already takes room' },
  ]),
]

// Reads of several owners' rows, each with its reason. They return the ids of owners and what the list names, and no caller sees them.
const sweeps = [
  ...tablesWithTombstones.map(table => ({
    ...{ part: `select owner_id from ${table} where deleted_at <`, table },
    reason: 'the server finds the owners whose trash is too old',
  })),
  {
    ...{ part: 'select id, revision from users where id = any', table: 'users', columns: ['revision'] },
    reason: 'the server finds the watched accounts that have changed',
  },
  {
    ...{ part: 'select owner_id from idempotency_keys where created_at <', table: 'idempotency_keys' },
    reason: 'the server finds the owners whose keys are too old',
  },
  {
    ...{ part: 'select owner_id from webhooks where owner_id >', table: 'webhooks' },
    reason: 'the server finds where a step of its walk through all webhooks ends',
  },
  ...['webhooks', 'webhook_deliveries', 'users'].map(table => ({
    ...{ part: 'select item.owner_id from webhooks as item where', table },
    reason: 'the server finds the owners of webhooks that are due',
  })),
]

const audit = createStatementAudit({ owners, tombstones: tablesWithTombstones, exceptions, sweeps })

const statements = (await readRecord<string>('statements')).filter(text => Object.keys(owners).some(table => text.includes(table)))

test('the run has sent statements of every kind to every table', () => {
  for (const table of Object.keys(owners))
    for (const verb of table === 'idempotency_keys' ? ['from', 'delete from', 'insert into'] : ['from', 'update', 'insert into'])
      expect(
        statements.some(text => text.includes(`${verb} ${table}`)),
        `${verb} ${table}`,
      ).toBe(true)
  expect(statements.length).toBeGreaterThan(40)
})

test('every statement binds the owner and excludes deleted rows', async () => {
  const bad = await Promise.all(statements.map(async text => ({ text, wrong: await audit(text) })))
  expect(bad.filter(({ wrong }) => wrong.length > 0)).toEqual([])
})

test('the list of exceptions is needed', () => {
  expect(exceptions.filter(({ part }) => !statements.some(text => text.includes(part)))).toEqual([])
})

describe('the audit finds', () => {
  test.each([
    ['no owner', 'select id from tasks where id = $1 and deleted_at is null', 'does not bind owner_id of tasks'],
    [
      'an owner that is no parameter',
      "select id from tasks where owner_id = 'ann' and deleted_at is null",
      'does not bind owner_id of tasks',
    ],
    [
      'an owner in an or',
      'select id from tasks where (owner_id = $1 or id = $2) and deleted_at is null',
      'does not bind owner_id of tasks',
    ],
    [
      'the owner column of another relation',
      'select id from asked, tasks where owner_id = other.owner and deleted_at is null',
      'does not bind owner_id of tasks',
    ],
    ['an owner that is not equal', 'select id from tasks where owner_id <> $1 and deleted_at is null', 'does not bind owner_id of tasks'],
    ['deleted rows', 'select id from tasks where owner_id = $1', 'does not say deleted_at is null of tasks'],
    [
      'deleted rows only',
      'select id from tasks where owner_id = $1 and deleted_at is not null',
      'does not say deleted_at is null of tasks',
    ],
    [
      'the owner of one table for another',
      'select t.id from tasks t, categories c where t.owner_id = $1 and c.id = t.category_id and t.deleted_at is null and c.deleted_at is null',
      'does not bind owner_id of categories',
    ],
    [
      'a subquery without owner',
      'select id from users where id = $1 and exists (select from tasks where id = $2)',
      'does not bind owner_id of tasks',
    ],
    ['a CTE without owner', 'with x as (delete from tasks where id = $1 returning id) select id from x', 'does not bind owner_id of tasks'],
    ['an update without owner', 'update tasks set title = $1 where id = $2 and deleted_at is null', 'does not bind owner_id of tasks'],
    [
      'an exception for one table that is used for another',
      'with x as (update tasks set category_id = null where owner_id = $1) update categories set name = $2 where owner_id = $1',
      'does not say deleted_at is null of categories',
    ],
    ['an update of users without id', 'update users set name = $1', 'does not bind id of users'],
    ['an insert without owner', 'insert into tasks (id) values ($1)', 'inserts into tasks without owner_id'],
    [
      'an insert for an owner that is no parameter',
      "insert into tasks (id, owner_id) values ($1, $2), ($3, 'ann')",
      'inserts into tasks without the caller as owner_id',
    ],
    [
      'an insert for an owner out of a column that is none',
      'with c as (select category_id as owner_id from tasks where owner_id = $1 and deleted_at is null) insert into tasks (owner_id) select c.owner_id from c',
      'inserts into tasks without the caller as owner_id',
    ],
    [
      'an insert for any owner of a query',
      'insert into tasks (id, owner_id) select * from asked union all select $1, $2',
      'inserts into tasks without the caller as owner_id',
    ],
    [
      'an insert for an owner out of a CTE that is not bound',
      'with c as (select id from users) insert into tasks (owner_id) select c.id from c',
      'does not bind id of users',
    ],
    [
      'a merge',
      'merge into tasks as t using users as u on t.owner_id = u.id when matched then do nothing',
      'is a merge, which this audit does not read',
    ],
    [
      'a read of every owner that returns more than owners',
      'select title, (select owner_id from tasks where deleted_at < now() limit 1) from tasks where deleted_at < now() limit 1',
      'does not bind owner_id of tasks',
    ],
    ['another read of every owner', 'select owner_id from tasks where deleted_at is null limit 1', 'does not bind owner_id of tasks'],
  ])('%s', async (_, statement, fault) => {
    expect(await audit(statement)).toContain(fault)
  })
})

test.each([
  ['an owner that is a parameter', 'insert into tasks (id, owner_id) values ($1, $2), ($3, $2::text)'],
  [
    'the owner out of a CTE that is bound',
    'with c as (update users as u set name = $1 where u.id = $2 returning u.id as owner_id), d as (select c.owner_id from c) insert into tasks (owner_id) select d.owner_id from d',
  ],
])('the audit accepts an insert with %s', async (_, statement) => {
  expect(await audit(statement)).toEqual([])
})
