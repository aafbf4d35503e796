// The settings of a session, whatever the URL, the role and the database say.
import postgres from 'postgres'
import { expect, inject, type TestContext } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase as connect } from '../../src/database/database.ts'
import { migrate } from '../../src/database/migrate.ts'
import { explain } from '../../src/database/remedies.ts'
import { neededValue, readSettings, type Setting } from '../../src/database/session.ts'
import { createDroppingPooler } from '../faults/line.ts'
import { needs } from '../support/checks.ts'
import { client } from '../support/client.ts'
import { startPooler } from '../support/pooler.ts'
import { poolerAndProxy } from '../support/programs.ts'
import { createDatabase, start, test, tokenOf } from '../support/taskspec.ts'

type AtEnd = TestContext['onTestFinished']

const hostile = {
  TimeZone: 'Pacific/Chatham',
  DateStyle: 'German, DMY',
  IntervalStyle: 'sql_standard',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  client_encoding: 'LATIN1',
  standard_conforming_strings: 'off',
  search_path: 'decoy, public',
  default_transaction_isolation: 'serializable',
  transform_null_equals: 'on',
  array_nulls: 'off',
  lock_timeout: '1',
  statement_timeout: '1',
  jit: 'on',
}
const inUrl = '?TimeZone=Asia/Tokyo&DateStyle=SQL&client_encoding=LATIN1&options=-c%20TimeZone%3DAsia/Tokyo&pgbouncer=true'

test('server and migrations have their own settings, whatever the URL, the role and the database say', async ({ onTestFinished }) => {
  const database = await createHostile(onTestFinished, hostile, 'template0')
  const url = parseDatabaseUrl(database.url + inUrl)
  await migrate(url, { quiet: true })
  const db = connect({ url, poolSize: 1 })
  const settings = await db.read<Setting>('select settings', readSettings)
  await db.close()
  expect(settings).toHaveLength(13)
  for (const { name, value } of settings) expect([name, value]).toEqual([name, neededValue(name)])

  const server = await start({ databaseUrl: database.url + inUrl, timeouts: { databaseFactor: 10 } })
  onTestFinished(server.stop)
  const ann = client(server.url, await tokenOf('ann'))
  const before = Date.now()
  const { body: task } = await ann.createTask({ body: { title: 'Zürich “é”', dueDate: '2027-02-03', labels: ['null', 'a'] } })
  expect(Math.abs(Date.parse(task.createdAt) - before)).toBeLessThan(3_600_000)
  await ann.createTask({ body: { title: 'b' } })
  const { body: first } = await ann.listTasks({ query: { sort: 'createdAt', limit: 1 } })
  const { body: second } = await ann.listTasks({ query: { sort: 'createdAt', limit: 1, cursor: first.nextCursor as string } })
  expect([first.items[0], second.items[0]?.title]).toEqual([task, 'b'])
  await ann.getReadiness()
})

test.for<[setting: keyof typeof hostile]>([['search_path'], ['default_transaction_isolation'], ['transform_null_equals']])(
  'behind a pooler, the %s of the role is found when a connection opens',
  async ([setting], { onTestFinished }) => {
    const database = await createHostile(onTestFinished, { [setting]: hostile[setting] })
    await expectRefused(onTestFinished, database.url, setting)
  },
)

// Other poolers than PgBouncer drop every setting of a connection.
test.for<[setting: keyof typeof hostile]>([['TimeZone'], ['DateStyle'], ['client_encoding'], ['standard_conforming_strings']])(
  'behind a pooler that drops the settings of a connection, the %s of the role is found',
  async ([setting], { onTestFinished }) => {
    const database = await createHostile(onTestFinished, { [setting]: hostile[setting] })
    await expectRefused(onTestFinished, await createDroppingPooler(onTestFinished, database.url, setting), setting)
  },
)

test('a database of another encoding is refused', async ({ onTestFinished }) => {
  const database = await createDatabase("template0 encoding 'LATIN1' locale 'C' locale_provider 'libc'")
  onTestFinished(database.drop)
  await expectRefused(onTestFinished, database.url, 'server_encoding', false)
})

test(
  'PgBouncer gives the sessions of the server UTC, and refuses migrations',
  needs(inject('programs').pgbouncer !== null, poolerAndProxy),
  async ({ onTestFinished }) => {
    const database = await createHostile(onTestFinished, { TimeZone: hostile.TimeZone, DateStyle: hostile.DateStyle })
    const pooler = await startPooler(database.url, onTestFinished)
    const refusal = await migrate(parseDatabaseUrl(pooler.url), { quiet: true }).catch(error => error)
    expect(explain(refusal)).toMatchObject({ code: '08P01', remedy: expect.stringContaining('MIGRATION_DATABASE_URL') })
    const server = await start({ databaseUrl: pooler.url, pooler: true, timeouts: { databaseFactor: 10 } })
    onTestFinished(server.stop)
    const ann = client(server.url, await tokenOf('ann'))
    const before = Date.now()
    const { body: task } = await ann.createTask({ body: { title: 'a', dueDate: '2027-02-03' } })
    expect(Math.abs(Date.parse(task.createdAt) - before)).toBeLessThan(3_600_000)
  },
)

/** A database whose settings are wrong for every role, and for this role. */
async function createHostile(atEnd: AtEnd, settings: Partial<typeof hostile>, template?: string) {
  const database = await createDatabase(template)
  atEnd(database.drop)
  if (settings.search_path !== undefined) {
    const sql = postgres(database.url, { max: 1, onnotice: () => {} })
    await sql.unsafe('create schema decoy; create table decoy.users (id text); create table decoy.schema_migrations (version text)')
    await sql.end()
  }
  const name = new URL(database.url).pathname.slice(1)
  const admin = postgres(`${inject('cluster')}postgres`, { max: 1, onnotice: () => {} })
  for (const [setting, value] of Object.entries(settings)) {
    const text = setting === 'search_path' ? value : `'${value}'`
    await admin.unsafe(`alter database ${name} set ${setting} = ${text}; alter role taskspec in database ${name} set ${setting} = ${text}`)
  }
  await admin.end()
  return database
}

async function expectRefused(atEnd: AtEnd, databaseUrl: string, setting: string, pooler = true) {
  const server = await start({ databaseUrl, pooler, timeouts: { databaseFactor: 10 } })
  atEnd(server.stop)
  const ann = client(server.url, await tokenOf('ann'))
  const { body } = await ann.listTasks({}, 503)
  expect(body.detail).toBe('A setting of the database is not the one that the server needs. Run: npm run doctor')
  expect((await ann.getReadiness({}, 503)).body.detail).toBe(body.detail)
  expect(JSON.stringify(server.log)).toContain(`The database has ${setting} = `)
}
