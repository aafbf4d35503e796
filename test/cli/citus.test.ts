// The findings of the doctor on Citus, on databases with the stand-in.
import { expect } from 'vitest'
import { createSharded, distribution, statements } from '../support/citus.ts'
import { test } from '../support/taskspec.ts'
import { doctor } from './doctor.ts'

const everywhere =
  'users by id, categories by owner_id, tasks by owner_id, calendars by owner_id, webhooks by owner_id, webhook_deliveries by owner_id, idempotency_keys by owner_id, rate_limits by key, schema_migrations on every node'
const sharded = { DATABASE_SHARDED: 'citus' }

test('says nothing of Citus where it neither is nor is expected', async ({ service }) => {
  expect((await doctor({ DATABASE_URL: service.databaseUrl })).output).not.toMatch(/citus/i)
})

test('finds nothing wrong with a distributed database whose server shares no statement', async ({ onTestFinished }) => {
  const { url, sql } = await createSharded(onTestFinished)
  await sql.unsafe(distribution)
  await sql`select citus_add_node('worker-1', 5432), citus_add_node('worker-2', 5432)`
  const { output, code } = await doctor({ DATABASE_URL: url, ...sharded })
  expect(output).toContain(`ok  citus       Citus 13.2.0, workers: 2, ${everywhere}, users share no statement\n`)
  expect(code).toBe(0)
})

test('says which setting is missing', async ({ onTestFinished }) => {
  const { url, sql } = await createSharded(onTestFinished)
  await sql.unsafe(distribution)
  const { output, code } = await doctor({ DATABASE_URL: url })
  expect(output).toMatch(/^!! {2}citus .*, users share statements\n +Set DATABASE_SHARDED=citus: .*\n(ok|!!) {2}keys/m)
  expect(code).toBe(1)
})

test('says that the setting is wrong without the extension', async ({ onTestFinished }) => {
  const { url } = await createSharded(onTestFinished, { citus: false })
  const { output, code } = await doctor({ DATABASE_URL: url, ...sharded })
  expect(output).toMatch(/^!! {2}citus .* extension is not in this database\n +Unset DATABASE_SHARDED, or install Citus/m)
  expect(code).toBe(1)
})

test('names the tables that are not distributed yet', async ({ onTestFinished }) => {
  const { url, sql } = await createSharded(onTestFinished)
  for (const statement of statements.slice(0, -2)) await sql.unsafe(statement)
  const { output, code } = await doctor({ DATABASE_URL: url, ...sharded })
  expect(output).toMatch(
    /^!! {2}citus .*, idempotency_keys not distributed, rate_limits not distributed, .*\n.* psql .*--file db\/distribute.sql/m,
  )
  expect(code).toBe(1)
})

test('names the tables that are distributed in another way', async ({ onTestFinished }) => {
  const { url, sql } = await createSharded(onTestFinished)
  await sql`select create_distributed_table('users', 'id'), create_reference_table('rate_limits')`
  await sql`alter table categories drop constraint categories_owner_fkey`
  await sql`select create_distributed_table('categories', 'owner_id', colocate_with => 'none')`
  await sql.unsafe(distribution).catch(() => {}) // tasks cannot reference categories there
  const { output, code } = await doctor({ DATABASE_URL: url, ...sharded })
  const [, state, remedies] = /^!! {2}citus +(.*)\n([\s\S]*?)^(?:ok|!!)/m.exec(output) ?? []
  expect(state).toContain('categories by owner_id apart from users')
  expect(state).toContain('rate_limits on every node')
  expect(remedies).toMatch(/undistribute_table\('categories',.*: categories must be distributed by owner_id together with users\.\n/)
  expect(remedies).toMatch(/undistribute_table\('rate_limits',.*: rate_limits must be distributed by key\.\n/)
  expect(remedies).not.toContain("'users'")
  expect(code).toBe(1)
})

test('says that nodes of Citus are not the hosts of one URL', async ({ onTestFinished }) => {
  const { url } = await createSharded(onTestFinished)
  const { host, username, password, pathname } = new URL(url)
  const { output } = await doctor({ DATABASE_URL: `postgres://${username}:${password}@${host},${host}${pathname}`, ...sharded })
  expect(output).toMatch(/^!! {2}hosts .*\n +Name one node of Citus, or a proxy in front of the nodes/m)
})
