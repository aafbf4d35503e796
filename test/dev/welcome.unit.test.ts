import { expect, test } from 'vitest'
import type { AuthConfig } from '../../src/config/auth.ts'
import { readConfig } from '../../src/config/config.ts'
import { welcome } from '../../src/dev/welcome.ts'

function welcomed(variables: Record<string, string>) {
  const config = readConfig({ AUTH_SECRET: 'a-secret-that-is-only-known-to-these-tests', ...variables })
  return welcome({ url: 'http://localhost:3000', config, embedded: null, auth: config.auth as AuthConfig })
}

test('shows where a database with several hosts is, without its password', async () => {
  const text = await welcomed({ DATABASE_URL: 'postgres://u:hunter2@one:5432,two:5432/name?sslmode=require' })
  expect(text).toContain('  Database  PostgreSQL at one:5432,two:5432/name\n')
  expect(text).not.toContain('hunter2')
})

test('shows a token and a request only when the server can issue tokens', async () => {
  const DATABASE_URL = 'postgres://u:hunter2@one/name'
  expect(await welcomed({ DATABASE_URL })).toMatch(
    /\ncurl http:\/\/localhost:3000\/v1\/users\/me\/tasks -H 'Authorization: Bearer [\w.-]+'/,
  )
  const text = await welcomed({ DATABASE_URL, AUTH_SECRET: '', AUTH_JWKS_URL: 'https://id.example.com/jwks' })
  expect(text).toContain('  Key       https://id.example.com/jwks\n')
  expect(text).toContain('Get a token from your identity provider.')
  expect(text).not.toContain('Bearer')
})

test('shows the URLs under which a proxy publishes the server, and where it listens', async () => {
  const text = await welcomed({ DATABASE_URL: 'postgres://u:p@one/name', PUBLIC_URL: 'https://example.com/tasks/' })
  for (const line of [
    'API       https://example.com/tasks/v1',
    'Docs      https://example.com/tasks/docs',
    'Listens   http://localhost:3000',
  ])
    expect(text).toContain(`  ${line}\n`)
  expect(text).toContain('curl https://example.com/tasks/v1/users/me/tasks')
})
