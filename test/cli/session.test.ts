// The findings of the doctor on the settings of a session, and about encoding and collations.
import postgres from 'postgres'
import { expect, inject, type TestContext } from 'vitest'
import { unreachable } from '../../src/cli/findings/database.ts'
import { sessionFindings, statementTimeout } from '../../src/cli/findings/session.ts'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase as connect } from '../../src/database/database.ts'
import { createDroppingPooler } from '../faults/line.ts'
import { needs } from '../support/checks.ts'
import { startPooler } from '../support/pooler.ts'
import { poolerAndProxy } from '../support/programs.ts'
import { createDatabase, test } from '../support/taskspec.ts'

type AtEnd = TestContext['onTestFinished']

test('replaced settings of the role are shown, without a remedy', async ({ onTestFinished }) => {
  const url = await prepare(onTestFinished, "alter database current set TimeZone = 'Asia/Tokyo'")
  expect(await examine(url, false)).toEqual([
    { subject: 'session', state: 'TimeZone UTC, set by the server, instead of TimeZone=Asia/Tokyo of the role or database' },
    { subject: 'encoding', state: 'UTF8' },
    { subject: 'collations', state: 'of the version of the indexes' },
  ])
})

test('behind a pooler, wrong settings of the role have a remedy', async ({ onTestFinished }) => {
  const url = await prepare(
    onTestFinished,
    "alter database current set search_path = 'x', 'public'; alter database current set lock_timeout = '1s'",
  )
  const sql = postgres(url, { max: 1 })
  await sql`create schema x`
  await sql.end()
  const [session] = await examine(url, true)
  expect(session?.state).toBe(
    'of the role, behind a pooler: TimeZone UTC, search_path x, public, lock_timeout 1s, statement_timeout 0, jit on',
  )
  expect(session?.remedy?.split(/\n +/)).toEqual([
    "alter role taskspec set search_path = 'public'; then let the pooler reconnect (RECONNECT in PgBouncer).",
    "alter role taskspec set lock_timeout = '0'; then let the pooler reconnect (RECONNECT in PgBouncer).",
    "alter role taskspec set statement_timeout = '1500ms'; then let the pooler reconnect (RECONNECT in PgBouncer).",
    'alter role taskspec set jit = off; then let the pooler reconnect (RECONNECT in PgBouncer).',
  ])
})

test('another encoding than UTF8 has a remedy', async ({ onTestFinished }) => {
  const database = await createDatabase("template0 encoding 'LATIN1' locale 'C' locale_provider 'libc'")
  onTestFinished(database.drop)
  const [, encoding] = await examine(database.url, false)
  expect(encoding).toMatchObject({ state: 'LATIN1', remedy: expect.stringContaining("encoding 'UTF8'") })
})

test('collations of another version than the indexes have a remedy', async ({ onTestFinished }) => {
  const url = await prepare(onTestFinished)
  const name = new URL(url).pathname.slice(1)
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  await sql`update pg_database set datcollversion = '0' where datname = current_database()`
  await sql`create collation other (provider = icu, locale = 'de')`
  await sql`update pg_collation set collversion = '0' where collname = 'other'`
  await sql`create table sorted (name text collate other)`
  await sql.end()
  const [, , collations] = await examine(url, false)
  expect(collations?.state).toMatch(new RegExp(`^${name} has version 0, the system 1, other has version 0, the system [\\d.]+$`))
  expect(collations?.remedy).toContain(`reindex database "${name}"; alter database "${name}" refresh collation version`)
  expect(collations?.remedy).toContain('alter collation "other" refresh version')
})

test('a pooler that drops the settings of a connection is named', async ({ onTestFinished }) => {
  const url = await createDroppingPooler(onTestFinished, await prepare(onTestFinished), 'statement_timeout')
  const [session] = await examine(url, false)
  expect(session).toMatchObject({
    state: 'a pooler in between does not keep the settings of a connection',
    remedy: expect.stringContaining('DATABASE_POOLER=transaction'),
  })
})

test(
  'a pooler that refuses the settings of a connection is named',
  needs(inject('programs').pgbouncer !== null, poolerAndProxy),
  async ({ onTestFinished }) => {
    const pooler = await startPooler(await prepare(onTestFinished), onTestFinished)
    const finding = await examine(pooler.url, false).catch(error => unreachable(error, 'there'))
    expect(finding).toMatchObject({
      state: 'not usable at there: a pooler refuses the settings of the connection (08P01)',
      remedy: expect.stringContaining('DATABASE_POOLER=transaction'),
    })
  },
)

async function prepare(atEnd: AtEnd, change = '') {
  const database = await createDatabase()
  atEnd(database.drop)
  const name = new URL(database.url).pathname.slice(1)
  const admin = postgres(`${inject('cluster')}postgres`, { max: 1, onnotice: () => {} })
  await admin.unsafe(change.replaceAll('current', name))
  await admin.end()
  return database.url
}

async function examine(url: string, pooler: boolean) {
  const db = connect({ url: parseDatabaseUrl(url), poolSize: 1, pooler, unchecked: true, timeoutFactor: statementTimeout.factor })
  return sessionFindings(db, pooler).finally(() => db.close())
}
