// db/schema.sql equals the result of the migrations, and each migration can be rolled back.
import { readdir, readFile } from 'node:fs/promises'
import postgres from 'postgres'
import { expect, onTestFinished, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { migrate } from '../../src/database/migrate.ts'
import { directory, versions } from '../../src/database/migrations.ts'
import { shape } from '../support/shape.ts'
import { createDatabase } from '../support/taskspec.ts'

test('db/schema.sql equals the result of the migrations', async () => {
  const loaded = await connect('template0')
  const dump = await readFile(new URL('../../db/schema.sql', import.meta.url), 'utf8')
  const statements = dump
    .split('\n')
    .filter(line => !line.startsWith('\\') && !line.startsWith('SET ') && !line.includes("'search_path'"))
    .join('\n')
  await loaded.sql.unsafe(statements)

  const migrated = await connect()
  const expected = await shape(migrated.sql)
  expect(await shape(loaded.sql)).toEqual(expected)
  expect(expected.length).toBeGreaterThan(60)
})

test('every migration can be rolled back, and applied again by one of several processes', async () => {
  const { url, sql } = await connect()
  const before = await shape(sql)
  for (const file of (await readdir(directory)).sort().reverse()) await rollBack(sql, file)
  const left = await sql`select relname from pg_class where relnamespace = 'public'::regnamespace and relname not like 'schema_migrations%'`
  expect([...left]).toEqual([])
  // As in a database that is new to dbmate.
  await sql`drop table schema_migrations`
  await Promise.all(Array.from({ length: 4 }, () => migrate(parseDatabaseUrl(url), { quiet: true })))
  expect(await shape(sql)).toEqual(before)
  const applied = await sql`select version from schema_migrations order by version`
  expect(applied.map(({ version }) => version)).toEqual(await versions())
})

/** A new database, by default one with every migration. */
async function connect(template?: string) {
  const { url, drop } = await createDatabase(template)
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  onTestFinished(async () => {
    await sql.end()
    await drop()
  })
  return { url, sql }
}

/** Does what `dbmate rollback` does with the file, without a process for each of them. */
async function rollBack(sql: postgres.Sql, file: string) {
  const text = await readFile(new URL(file, directory), 'utf8')
  const [, options, statement] = /^-- migrate:down( transaction:false)?\n(.*)$/ms.exec(text) as unknown as [
    string,
    string | undefined,
    string,
  ]
  await (options === undefined ? sql.begin(sql => sql.unsafe(statement)) : sql.unsafe(statement))
}
