// db/distribute.sql and the files of src/ops for Citus, on databases with the stand-in.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type postgres from 'postgres'
import { describe, expect } from 'vitest'
import { cases } from '../support/checks.ts'
import { createCitus, createSharded, distribution, statements } from '../support/citus.ts'
import { test } from '../support/taskspec.ts'

const ops = (file: string) => fileURLToPath(new URL(`../../src/ops/${file}`, import.meta.url))

const distributed = [
  { name: 'calendars', kind: 'distributed', key: 'owner_id', group: 2 },
  { name: 'categories', kind: 'distributed', key: 'owner_id', group: 2 },
  { name: 'idempotency_keys', kind: 'distributed', key: 'owner_id', group: 2 },
  { name: 'rate_limits', kind: 'distributed', key: 'key', group: 3 },
  { name: 'schema_migrations', kind: 'reference', key: '<none>', group: 1 },
  { name: 'tasks', kind: 'distributed', key: 'owner_id', group: 2 },
  { name: 'users', kind: 'distributed', key: 'id', group: 2 },
  { name: 'webhook_deliveries', kind: 'distributed', key: 'owner_id', group: 2 },
  { name: 'webhooks', kind: 'distributed', key: 'owner_id', group: 2 },
]

const tables = (sql: postgres.Sql) =>
  sql`select table_name::text as name, citus_table_type as kind, distribution_column as key, colocation_id as "group" from citus_tables`

const functions = async (sql: postgres.Sql) =>
  (await sql<{ name: string }[]>`select objid::regprocedure::text as name from pg_dist_object order by 1`).map(({ name }) => name)

describe('db/distribute.sql', () => {
  test('distributes each table once, and a second run changes nothing', async ({ onTestFinished }) => {
    const { sql } = await createSharded(onTestFinished)
    await sql.unsafe(distribution)
    const first = { tables: await tables(sql), functions: await functions(sql) }
    expect(first.tables).toEqual(distributed)
    const own = await sql`select oid::regprocedure::text as name from pg_proc where pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e') order by 1`
    expect(first.functions).toEqual(own.map(({ name }) => name))
    await sql.unsafe(distribution)
    expect({ tables: await tables(sql), functions: await functions(sql) }).toEqual(first)
  })

  test.for(cases(statements.map((_, index) => index)))('continues after %i of its statements', async (count, { onTestFinished }) => {
    const { sql } = await createSharded(onTestFinished)
    for (const statement of statements.slice(0, count)) await sql.unsafe(statement)
    expect(await tables(sql)).not.toEqual(distributed)
    for (const statement of statements) await sql.unsafe(statement)
    expect(await tables(sql)).toEqual(distributed)
  })

  test('stops without the extension and says what to do', async ({ onTestFinished }) => {
    const { sql } = await createSharded(onTestFinished, { citus: false })
    await expect(sql.unsafe(distribution)).rejects.toMatchObject({
      message: expect.stringMatching(/^The extension citus is not in the database "test_\w+"\.$/),
      hint: expect.stringMatching(/shared_preload_libraries.* create extension citus;$/),
    })
    await createCitus(sql)
    await sql.unsafe(distribution)
    expect(await tables(sql)).toEqual(distributed)
  })
})

describe('the stand-in refuses what Citus refuses', () => {
  test.for([
    ['a table that references one that is not distributed', [], `create_distributed_table('tasks', 'owner_id')`, /^referenced table "/],
    [
      'a second distribution',
      [`create_distributed_table('users', 'id')`],
      `create_distributed_table('users', 'id')`,
      /already distributed/,
    ],
    ['a column that is not there', [], `create_distributed_table('users', 'owner_id')`, /^column "owner_id" of relation "users" does not/],
    ['a key that is not in each unique index', [], `create_distributed_table('categories', 'id')`, /^cannot create constraint on "cat/],
    [
      'a neighbour that is not distributed',
      [],
      `create_distributed_table('users', 'id', colocate_with => 'tasks')`,
      /^relation tasks is not/,
    ],
    [
      'a reference to rows that may be elsewhere',
      [`create_distributed_table('users', 'id')`],
      `create_distributed_table('categories', 'owner_id', colocate_with => 'none')`,
      /^cannot create foreign key constraint since relations are not colocated/,
    ],
  ] as const)('%s', async ([, before, call, message], { onTestFinished }) => {
    const { sql } = await createSharded(onTestFinished)
    for (const each of before) await sql.unsafe(`select ${each}`)
    await expect(sql.unsafe(`select ${call}`)).rejects.toThrow(message)
  })
})

test('citus-nodes.sql registers each node once', async ({ onTestFinished }) => {
  const { sql } = await createSharded(onTestFinished)
  const file = await readFile(ops('citus-nodes.sql'), 'utf8')
  const nodes = () => sql`select nodeid, groupid, nodename, nodeport from pg_dist_node order by groupid`
  await sql.unsafe(file)
  const first = await nodes()
  expect(first.map(({ groupid, nodename, nodeport }) => [groupid, nodename, nodeport])).toEqual([
    [0, 'database', 5432],
    [1, 'worker-1', 5432],
    [2, 'worker-2', 5432],
  ])
  await sql.unsafe(file)
  expect(await nodes()).toEqual(first)
})

test('citus-node.sh keeps the passwords for the connections between nodes from others, and starts the image', async ({
  onTestFinished,
}) => {
  const directory = await mkdtemp(join(tmpdir(), 'taskspec-citus-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  // The image runs the script as root.
  for (const [name, text] of [
    ['install', 'exit 0'],
    ['chown', 'exit 0'],
    ['docker-entrypoint.sh', 'echo "$@"'],
  ] as const)
    await writeFile(join(directory, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  const file = join(directory, 'passwords')
  const passwords = { POSTGRES_PASSWORD: 'one', OWNER_PASSWORD: 'a:b\\c', SERVER_PASSWORD: "it's two" }
  const env = { PATH: `${directory}:${process.env.PATH}`, PGPASSFILE: file, ...passwords }
  const { stdout } = await promisify(execFile)('sh', [ops('citus-node.sh'), 'postgres', '-c', 'wal_level=logical'], { env })
  expect(stdout).toBe('postgres -c wal_level=logical\n')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await readFile(file, 'utf8')).toBe("*:*:*:postgres:one\n*:*:*:taskspec_owner:a\\:b\\\\c\n*:*:*:taskspec_server:it's two\n")
})
