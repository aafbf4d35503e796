// The findings of the doctor on a database, a role and the settings.
import postgres from 'postgres'
import { describe, expect } from 'vitest'
import { createDatabase, test } from '../support/taskspec.ts'
import { doctor } from './doctor.ts'

describe('the doctor', () => {
  test('finds nothing wrong with a working server, and shows no password', async ({ service }) => {
    const { code, output } = await doctor({ DATABASE_URL: service.databaseUrl })
    expect(output).toMatch(
      /^ok {2}settings .*\nok {2}database .*\nok {2}session {5}TimeZone UTC, set by the server\nok {2}encoding {4}UTF8\nok {2}collations .*\nok {2}migrations .*\nok {2}connections .*\nok {2}clock .*\nok {2}role .*\nok {2}keys .*\n$/,
    )
    expect(output).not.toContain(new URL(service.databaseUrl).password)
    expect(code).toBe(0)
  })

  test('checks the settings alone without a database URL, in development', async () => {
    const { code, output } = await doctor({})
    expect(output).toBe('ok  settings    for development\nok  database    embedded, started by npm start\nok  keys        shared secret\n')
    expect(code).toBe(0)
  })

  test.for([
    ['pending migrations', "delete from schema_migrations where version > '20261120000014'", /!! {2}migrations .*\n +Run: npm run migrate/],
    ['a database without a schema', 'drop table schema_migrations', /!! {2}migrations {2}0 of \d+ are applied\n/],
    ['a newer schema', "insert into schema_migrations values ('29990101000000')", /ok {2}migrations .* and 1 of a newer release/],
  ] as const)('reports %s', async ([, change, expected], { onTestFinished }) => {
    const database = await createDatabase()
    const sql = postgres(database.url, { max: 1 })
    onTestFinished(async () => {
      await sql.end()
      await database.drop()
    })
    await sql.unsafe(change)
    const { code, output } = await doctor({ DATABASE_URL: database.url })
    expect(output).toMatch(expected)
    expect(code).toBe(output.includes('!!') ? 1 : 0)
  })

  test.for<[name: string, variables: (databaseUrl: string) => Record<string, string>, expected: RegExp]>([
    [
      'a role that can change the schema',
      () => ({ NODE_ENV: 'production' }),
      /!! {2}role {8}can change the schema\n +Give the server a role/,
    ],
    [
      'more connections than the database has',
      () => ({ WEB_CONCURRENCY: '500' }),
      /!! {2}connections this server needs 5000, .*\n +Lower DATABASE_POOL_SIZE/,
    ],
    [
      'a key server that is not reachable',
      () => ({ AUTH_JWKS_URL: 'http://127.0.0.1:2/jwks' }),
      /!! {2}keys {8}http:\/\/127\.0\.0\.1:2\/jwks is not reachable \(ECONNREFUSED\)\n +Check AUTH_JWKS_URL/,
    ],
    [
      'a database that is not reachable',
      () => ({ DATABASE_URL: 'postgres://127.0.0.1:9/x' }),
      /!! {2}database {4}not usable at 127\.0\.0\.1:9: nothing listens there \(ECONNREFUSED\)\n +Check the host and port/,
    ],
    [
      'a database that does not exist',
      url => ({ DATABASE_URL: Object.assign(new URL(url), { pathname: '/nothing' }).href }),
      /!! {2}database .* the database does not exist \(3D000\)\n +Check the name in the URL/,
    ],
    [
      'a wrong password',
      url => ({ DATABASE_URL: Object.assign(new URL(url), { password: 'wrong' }).href }),
      /!! {2}database .* wrong user or password \(28P01\)\n +Check the user and password/,
    ],
    ['a bad setting', () => ({ PORT: 'x' }), / {2}- PORT must be a whole number/],
    [
      'a parameter that is refused',
      url => ({ DATABASE_URL: `${url}?service=mine` }),
      / {2}- DATABASE_URL must not have the parameter service\. Put the values/,
    ],
    [
      'a database without TLS, beside parameters without effect',
      url => ({ DATABASE_URL: `${url}?sslmode=require&pgbouncer=true` }),
      /ok {2}url {9}DATABASE_URL has parameters without effect here: pgbouncer\.\n!! {2}database .*does not offer TLS \(TLS_REFUSED\)\n +Switch on/,
    ],
  ])('reports %s', async ([, variables, expected], { service }) => {
    const { code, output } = await doctor({ DATABASE_URL: service.databaseUrl, ...variables(service.databaseUrl) })
    expect(output).toMatch(expected)
    expect(code).toBe(1)
  })

  test('shows which of several hosts accept writes, and allows exactly one', async ({ service }) => {
    const { host, username, password, pathname } = new URL(service.databaseUrl)
    const examine = (...hosts: string[]) => doctor({ DATABASE_URL: `postgres://${username}:${password}@${hosts}${pathname}` })
    const [one, two, none] = await Promise.all([examine('127.0.0.1:9', host), examine(host, host), examine('127.0.0.1:9', '127.0.0.1:8')])
    expect(one.output).toContain(`ok  hosts       127.0.0.1:9 unreachable, ${host} primary\nok  database`)
    expect(one.code).toBe(0)
    expect(two.output).toContain(`!!  hosts       ${host} primary, ${host} primary\n                Stop all primaries except one`)
    expect(none.output).toMatch(/!! {2}hosts .*\n +Promote a standby.\n!! {2}database {4}not usable at 127\.0\.0\.1:9 or 127\.0\.0\.1:8: /)
    for (const { code } of [two, none]) expect(code).toBe(1)
  })
})
