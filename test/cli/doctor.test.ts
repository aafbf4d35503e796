// `npm run doctor`, as an operator runs it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { describe, expect } from 'vitest'
import { auth, createDatabase, test } from '../support/taskspec.ts'

const program = fileURLToPath(new URL('../../src/cli/doctor.ts', import.meta.url))

async function doctor(env: Record<string, string>) {
  const all = {
    PATH: process.env.PATH ?? '',
    AUTH_SECRET: auth.secret as string,
    AUTH_ISSUER: 'https://issuer.test',
    AUTH_AUDIENCE: 'x',
    ...env,
  }
  const child = spawn(process.execPath, [program], { env: all })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', chunk => {
      output += chunk
    })
  const [code] = await once(child, 'close')
  return { code, output }
}

describe('the doctor', () => {
  test('is content with what is right, and never shows a password', async ({ service }) => {
    const { code, output } = await doctor({ DATABASE_URL: service.databaseUrl })
    expect(output).toMatch(
      /^ok {2}settings .*\nok {2}database .*\nok {2}migrations .*\nok {2}connections .*\nok {2}clock .*\nok {2}role .*\nok {2}keys .*\n$/,
    )
    expect(output).not.toContain(new URL(service.databaseUrl).password)
    expect(code).toBe(0)
  })

  test.for([
    ['pending migrations', "delete from schema_migrations where version > '20261120000014'", /!! {2}migrations .*\n +Run: npm run migrate/],
    ['a database without schema', 'drop table schema_migrations', /!! {2}migrations {2}0 of \d+ are applied\n/],
    ['a newer schema', "insert into schema_migrations values ('29990101000000')", /ok {2}migrations .* and 1 of a newer release/],
  ] as const)('sees %s', async ([, change, expected], { onTestFinished }) => {
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

  test('sees a role with too much power, too many connections, keys and databases that are away, wrong passwords and bad settings', async ({
    service,
  }) => {
    const wrong = new URL(service.databaseUrl)
    wrong.pathname = '/nothing'
    const [production, many, keyless, homeless, lost, bad] = await Promise.all([
      doctor({ DATABASE_URL: service.databaseUrl, NODE_ENV: 'production' }),
      doctor({ DATABASE_URL: service.databaseUrl, WEB_CONCURRENCY: '500' }),
      doctor({ DATABASE_URL: service.databaseUrl, AUTH_JWKS_URL: 'http://127.0.0.1:9/jwks' }),
      doctor({ DATABASE_URL: 'postgres://127.0.0.1:9/x' }),
      doctor({ DATABASE_URL: wrong.href }),
      doctor({ DATABASE_URL: service.databaseUrl, PORT: 'x' }),
    ])
    expect(production.output).toContain('!!  role        may change the schema\n')
    expect(many.output).toMatch(/!! {2}connections 5000 wanted .*\n +Lower DATABASE_POOL_SIZE/)
    expect(keyless.output).toContain('!!  keys        do not come from http://127.0.0.1:9/jwks\n')
    expect(homeless.output).toMatch(/!! {2}database {4}does not answer at 127\.0\.0\.1:9 \(ECONNREFUSED\)\n/)
    expect(lost.output).toMatch(/!! {2}database .* \(3D000\)\n +Check user, password and database/)
    expect(bad.output).toContain('PORT must be')
    for (const { code } of [production, many, keyless, homeless, lost, bad]) expect(code).toBe(1)
  })

  test('sees who of several hosts takes writes', async ({ service }) => {
    const { host, username, password, pathname } = new URL(service.databaseUrl)
    const of = (...hosts: string[]) => doctor({ DATABASE_URL: `postgres://${username}:${password}@${hosts}${pathname}` })
    const [one, two, none] = await Promise.all([of('127.0.0.1:9', host), of(host, host), of('127.0.0.1:9', '127.0.0.1:8')])
    expect(one.output).toContain(`ok  hosts       127.0.0.1:9 away, ${host} primary\nok  database`)
    expect(one.code).toBe(0)
    expect(two.output).toContain(`!!  hosts       ${host} primary, ${host} primary\n                Stop all but one`)
    expect(none.output).toMatch(
      /!! {2}hosts .*\n +Promote a standby.\n!! {2}database {4}does not answer at 127\.0\.0\.1:9 or 127\.0\.0\.1:8 /,
    )
    for (const { code } of [two, none]) expect(code).toBe(1)
  })
})
