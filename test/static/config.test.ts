import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'

const production = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://u:p@db/taskspec',
  AUTH_JWKS_URL: 'https://id.example.com/jwks',
  AUTH_ISSUER: 'https://id.example.com',
  AUTH_AUDIENCE: 'taskspec',
}

test('development needs nothing', () => {
  expect(readConfig({})).toEqual({
    production: false,
    host: '127.0.0.1',
    port: 3000,
    logLevel: 'info',
    databaseUrl: null,
    migrationUrl: null,
    poolSize: 10,
    pooler: false,
    auth: null,
    corsOrigins: null,
    limits: { perMinute: 600, shared: false },
    metricsPort: null,
    workers: 1,
    trustProxy: 0,
  })
})

test('production takes what it needs, and is closed to other origins', () => {
  expect(readConfig(production)).toMatchObject({
    production: true,
    corsOrigins: [],
    auth: { jwksUrl: 'https://id.example.com/jwks', secret: null, algorithms: expect.not.arrayContaining(['HS256']) },
  })
})

test('production names all that is missing, in one message', () => {
  const message = messageOf({ NODE_ENV: 'production' })
  for (const name of ['AUTH_JWKS_URL or AUTH_SECRET', 'AUTH_ISSUER', 'AUTH_AUDIENCE', 'DATABASE_URL']) expect(message).toContain(name)
  expect(message.split('\n')).toHaveLength(6)
})

test('a secret alone allows HS256 alone', () => {
  expect(readConfig({ AUTH_SECRET: 'x'.repeat(32) }).auth?.algorithms).toEqual(['HS256'])
})

test.each([
  ['PORT', 'http'],
  ['PORT', '70000'],
  ['PORT', '80.5'],
  ['DATABASE_URL', 'mysql://db'],
  ['DATABASE_URL', 'db'],
  ['MIGRATION_DATABASE_URL', 'db'],
  ['DATABASE_POOL_SIZE', '0'],
  ['DATABASE_POOLER', 'session'],
  ['LOG_LEVEL', 'loud'],
  ['AUTH_JWKS_URL', 'id.example.com'],
  ['AUTH_JWKS_URL', 'https://user:hunter2@id.example.com/jwks'],
  ['AUTH_SECRET', 'short'],
  ['AUTH_ALGORITHMS', 'none'],
  ['AUTH_ALGORITHMS', 'HS256'],
  ['CORS_ORIGINS', 'https://app.example.com/'],
  ['CORS_ORIGINS', '*'],
  ['RATE_LIMIT_PER_MINUTE', '-1'],
  ['RATE_LIMIT_STORE', 'redis'],
  ['METRICS_PORT', 'x'],
  ['WEB_CONCURRENCY', '0'],
  ['TRUST_PROXY', 'true'],
  ['TRUST_PROXY', '10.0.0.0/33'],
])('%s=%s is refused by name', (name, value) => {
  expect(messageOf({ [name]: value })).toContain(`- ${name} must`)
})

test('a refusal never shows a secret', () => {
  expect(messageOf({ AUTH_SECRET: 'hunter2', DATABASE_URL: 'http://user:hunter2@db' })).not.toContain('hunter2')
})

function messageOf(env: Record<string, string>): string {
  try {
    readConfig(env)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('was taken')
}

test('proxies are trusted by number or by address', () => {
  expect(readConfig({ TRUST_PROXY: '2' }).trustProxy).toBe(2)
  expect(readConfig({ TRUST_PROXY: '10.0.0.0/8, ::1' }).trustProxy).toEqual(['10.0.0.0/8', '::1'])
})
