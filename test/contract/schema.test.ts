// db/schema.sql equals the result of the migrations, and each migration can be rolled back.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { resolveBinary } from 'dbmate'
import postgres from 'postgres'
import { expect, inject, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { migrate } from '../../src/database/migrate.ts'
import { directory, versions } from '../../src/database/migrations.ts'
import { shape } from '../support/shape.ts'

async function createEmptyDatabase(name: string) {
  const admin = postgres(`${inject('cluster')}postgres`, { max: 1, onnotice: () => {} })
  await admin.unsafe(`drop database if exists ${name}`)
  await admin.unsafe(`create database ${name}`)
  await admin.end()
  const url = inject('cluster') + name
  return { url, sql: postgres(url, { max: 1, onnotice: () => {} }) }
}

test('db/schema.sql equals the result of the migrations', async () => {
  const [loaded, migrated] = [await createEmptyDatabase('schema_loaded'), await createEmptyDatabase('schema_migrated')]
  const dump = await readFile(new URL('../../db/schema.sql', import.meta.url), 'utf8')
  const statements = dump
    .split('\n')
    .filter(line => !line.startsWith('\\') && !line.startsWith('SET ') && !line.includes("'search_path'"))
    .join('\n')
  await loaded.sql.unsafe(statements)
  await migrate(parseDatabaseUrl(migrated.url), { quiet: true })

  const expected = await shape(migrated.sql)
  expect(await shape(loaded.sql)).toEqual(expected)
  expect(expected.length).toBeGreaterThan(60)
  await loaded.sql.end()
  await migrated.sql.end()
})

test('every migration can be rolled back and applied again', async () => {
  const { url, sql } = await createEmptyDatabase('schema_down')
  await migrate(parseDatabaseUrl(url), { quiet: true })
  const before = await shape(sql)
  const dbmate = (...args: string[]) =>
    promisify(execFile)(resolveBinary(), [
      '--url',
      `${url}?sslmode=disable`,
      '--migrations-dir',
      fileURLToPath(directory),
      '--no-dump-schema',
      ...args,
    ])
  for (const _ of await versions()) await dbmate('rollback')
  const left = await sql`select relname from pg_class where relnamespace = 'public'::regnamespace and relname not like 'schema_migrations%'`
  expect([...left]).toEqual([])
  await migrate(parseDatabaseUrl(url), { quiet: true })
  expect(await shape(sql)).toEqual(before)
  await sql.end()
})

test('concurrent migrations all succeed and apply each version once', async () => {
  const { url, sql } = await createEmptyDatabase('schema_concurrent')
  await Promise.all(Array.from({ length: 4 }, () => migrate(parseDatabaseUrl(url), { quiet: true })))
  const applied = await sql`select version from schema_migrations order by version`
  expect(applied.map(({ version }) => version)).toEqual(await versions())
  await sql.end()
})
