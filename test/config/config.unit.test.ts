import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config/config.ts'
import { createClientAddress } from '../../src/http/client-address.ts'

const production = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://u:p@db/taskspec',
  AUTH_JWKS_URL: 'https://id.example.com/jwks',
  AUTH_ISSUER: 'https://id.example.com',
  AUTH_AUDIENCE: 'taskspec',
}

test('development needs no setting', () => {
  expect(readConfig({})).toEqual({
    production: false,
    host: '127.0.0.1',
    port: 3000,
    publicUrl: null,
    logLevel: 'info',
    databaseUrl: null,
    migrationUrl: null,
    poolSize: 10,
    pooler: false,
    sharded: false,
    timing: true,
    auth: null,
    proxy: null,
    corsOrigins: null,
    limits: { perMinute: 600, shared: false },
    privateWebhooks: false,
    listCacheBytes: 32 * 2 ** 20,
    maxEventStreams: 5000,
    metricsPort: null,
    tracing: null,
    workers: 1,
    trustProxy: 0,
  })
})

test('production starts with the required settings and allows no other origin', () => {
  expect(readConfig(production)).toMatchObject({
    production: true,
    timing: false,
    corsOrigins: [],
    auth: { jwksUrl: 'https://id.example.com/jwks', secret: null, algorithms: expect.not.arrayContaining(['HS256']) },
  })
})

test('production names every missing setting in one message', () => {
  const message = messageOf({ NODE_ENV: 'production' })
  for (const name of ['AUTH_JWKS_URL or AUTH_SECRET', 'AUTH_ISSUER', 'AUTH_AUDIENCE', 'DATABASE_URL']) expect(message).toContain(name)
  expect(message.split('\n')).toHaveLength(6)
})

test.each([
  ['https://example.com', 'https://example.com'],
  ['https://Example.com:443/', 'https://example.com'],
  ['http://example.com:8080/my%20tasks/', 'http://example.com:8080/my%20tasks'],
])('PUBLIC_URL=%s means %s', (PUBLIC_URL, publicUrl) => {
  expect(readConfig({ PUBLIC_URL }).publicUrl).toBe(publicUrl)
})

test('WEBHOOK_PRIVATE_ADDRESSES allows private addresses, and has one value', () => {
  expect(readConfig({ ...production, WEBHOOK_PRIVATE_ADDRESSES: 'allow' }).privateWebhooks).toBe(true)
  expect(messageOf({ WEBHOOK_PRIVATE_ADDRESSES: 'true' })).toContain('WEBHOOK_PRIVATE_ADDRESSES')
})

test.each(['development', 'test', ' ', ''])('NODE_ENV=%s is development', NODE_ENV => {
  expect(readConfig({ NODE_ENV }).production).toBe(false)
})

test('with a secret and no key server only HS256 is allowed', () => {
  expect(readConfig({ AUTH_SECRET: 'x'.repeat(32) }).auth?.algorithms).toEqual(['HS256'])
})

test('issuers and audiences are lists, and may have spaces around and in their values', () => {
  const lists = { AUTH_ISSUER: ' https://a.example/ ,b', AUTH_AUDIENCE: 'my api,https://api.example' }
  expect(readConfig({ ...production, ...lists }).auth).toMatchObject({
    issuers: ['https://a.example/', 'b'],
    audiences: ['my api', 'https://api.example'],
    audienceClaim: 'aud',
  })
  expect(readConfig({ ...production, AUTH_AUDIENCE_CLAIM: 'client_id' }).auth?.audienceClaim).toBe('client_id')
  expect(readConfig({ AUTH_SECRET: 'x'.repeat(32), AUTH_ISSUER: ' ' }).auth).toMatchObject({ issuers: [], audiences: [] })
})

test('a claim of the audience without an audience is refused', () => {
  expect(messageOf({ AUTH_AUDIENCE_CLAIM: 'azp' })).toContain('- AUTH_AUDIENCE must be set with AUTH_AUDIENCE_CLAIM: it is the "azp"')
  expect(messageOf({ ...production, AUTH_AUDIENCE_CLAIM: 'azp', AUTH_AUDIENCE: '' })).toContain(
    'must be set in production: it is the "azp"',
  )
})

test.each([
  ['NODE_ENV', 'Production'],
  ['NODE_ENV', 'prod'],
  ['NODE_ENV', 'staging'],
  ['PUBLIC_URL', 'example.com/tasks'],
  ['PUBLIC_URL', '/tasks'],
  ['PUBLIC_URL', 'ftp://example.com/tasks'],
  ['PUBLIC_URL', 'https://example.com/tasks?a=1'],
  ['PUBLIC_URL', 'https://example.com/tasks#'],
  ['PUBLIC_URL', 'https://user:hunter2@example.com/tasks'],
  ['PUBLIC_URL', 'https://example.com//tasks'],
  ['HOST', '[::1]'],
  ['HOST', 'http://0.0.0.0'],
  ['HOST', '0.0.0.0:3000'],
  ['PORT', 'http'],
  ['PORT', '70000'],
  ['PORT', '80.5'],
  ['DATABASE_URL', 'mysql://db'],
  ['DATABASE_URL', 'db'],
  ['DATABASE_URL', 'postgres://u:p@one:5432,two:x/db'],
  ['DATABASE_URL', 'postgres://u:p@one:5432,,two:5432/db'],
  ['DATABASE_URL', 'postgres://u:p@one:5432,two:5432/db?target_session_attrs=any'],
  ['MIGRATION_DATABASE_URL', 'db'],
  ['DATABASE_POOL_SIZE', '0'],
  ['DATABASE_POOLER', 'session'],
  ['DATABASE_SHARDED', 'yes'],
  ['LOG_LEVEL', 'loud'],
  ['AUTH_JWKS_URL', 'id.example.com'],
  ['AUTH_JWKS_URL', 'https://user:hunter2@id.example.com/jwks'],
  ['AUTH_SECRET', 'short'],
  ['AUTH_ISSUER', 'https://one.example,'],
  ['AUTH_ISSUER', ','],
  ['AUTH_AUDIENCE', 'one, , two'],
  ['AUTH_AUDIENCE', 'one,two, one'],
  ['AUTH_ISSUER', '"https://one.example"'],
  ['AUTH_AUDIENCE', "'one'"],
  ['AUTH_AUDIENCE', '["one","two"]'],
  ['AUTH_ALGORITHMS', 'none'],
  ['AUTH_ALGORITHMS', 'HS256'],
  ['RATE_LIMIT_PER_MINUTE', '-1'],
  ['RATE_LIMIT_STORE', 'redis'],
  ['MAX_EVENT_STREAMS', '-1'],
  ['METRICS_PORT', 'x'],
  ['WEB_CONCURRENCY', '0'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
  ['TRUST_PROXY', 'true'],
  ['TRUST_PROXY', '-1'],
  ['TRUST_PROXY', '10.0.0.0/33'],
  ['TRUST_PROXY', '0.0.0.0/0'],
  ['TRUST_PROXY', '::/00'],
  ['TRUST_PROXY', '10.0.0.0/'],
  ['TRUST_PROXY', '10.0.0.0/8/8'],
  ['TRUST_PROXY', '10.1'],
  ['TRUST_PROXY', '010.0.0.1'],
  ['TRUST_PROXY', '10.0.0.1:80'],
  ['TRUST_PROXY', '2001:db8::/129'],
  ['TRUST_PROXY', '[::1]'],
  ['TRUST_PROXY', 'fe80::1%eth0'],
  ['TRUST_PROXY', '1,2'],
  ['TRUST_PROXY', '10.0.0.1,proxy'],
])('%s=%s is refused, and the message names the variable', (name, value) => {
  expect(messageOf({ [name]: value })).toContain(`- ${name} must`)
})

test('the URLs of the database are read', () => {
  const [DATABASE_URL, MIGRATION_DATABASE_URL] = ['postgres://u:p@one:5432,[::1]:5433/db', 'postgres://owner@one/db']
  expect(readConfig({ DATABASE_URL, MIGRATION_DATABASE_URL })).toMatchObject({
    databaseUrl: { primary: true, user: 'u' },
    migrationUrl: { user: 'owner' },
  })
})

test('an error message never shows a secret', () => {
  expect(messageOf({ DATABASE_URL: 'postgres://user:hunter2/@one,two:5432/db' })).not.toContain('hunter2')
  expect(messageOf({ AUTH_SECRET: 'hunter2', DATABASE_URL: 'http://user:hunter2@db' })).not.toContain('hunter2')
})

describe('traces', () => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://collector:4318/'

  test('are configured by the variables of OpenTelemetry', () => {
    expect(readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT }).tracing).toEqual({
      url: 'http://collector:4318/v1/traces',
      headers: {},
      resource: { 'service.name': 'taskspec' },
      sampler: 'parentbased_always_on',
      ratio: 1,
    })
    const all = {
      OTEL_EXPORTER_OTLP_ENDPOINT,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces.example.com/in',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Basic%20abc=, x-tenant=a',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-tenant=b',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=x,deployment.environment.name=blue%2Cgreen',
      OTEL_SERVICE_NAME: 'todo',
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
    }
    expect(readConfig(all).tracing).toEqual({
      url: 'https://traces.example.com/in',
      headers: { Authorization: 'Basic abc=', 'x-tenant': 'b' },
      resource: { 'service.name': 'todo', 'deployment.environment.name': 'blue,green' },
      sampler: 'traceidratio',
      ratio: 0.25,
    })
    expect(readConfig({ ...all, OTEL_SDK_DISABLED: 'true' }).tracing).toBeNull()
    expect(readConfig({ OTEL_SERVICE_NAME: 'todo' }).tracing).toBeNull()
    expect(readConfig({ ...all, OTEL_TRACES_EXPORTER: 'none', OTEL_TRACES_SAMPLER: 'any' }).tracing).toBeNull()
    expect(readConfig({ ...all, OTEL_TRACES_EXPORTER: 'otlp', OTEL_PROPAGATORS: 'tracecontext,baggage' })).toEqual(readConfig(all))
    expect(readConfig({ OTEL_TRACES_EXPORTER: 'otlp' }).tracing?.url).toBe('http://localhost:4318/v1/traces')
  })

  test.each([
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'http/protobuf'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'hunter2'],
    ['OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'a=%hunter2'],
    ['OTEL_RESOURCE_ATTRIBUTES', '=hunter2'],
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_TRACES_EXPORTER', 'otlp,console'],
    ['OTEL_PROPAGATORS', 'b3'],
    ['OTEL_EXPORTER_OTLP_COMPRESSION', 'zstd'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
    ['OTEL_TRACES_SAMPLER_ARG', 'x'],
  ])('%s=%s is refused, and the message names the variable', (name, value) => {
    const message = messageOf({ OTEL_EXPORTER_OTLP_ENDPOINT, [name]: value })
    expect(message).toContain(`- ${name} must`)
    expect(message).not.toContain('hunter2')
  })
})

describe('the proxy to the key server', () => {
  const AUTH_JWKS_URL = 'https://id.example.com/jwks'

  test('is configured by the usual variables, of which the one in lower case comes first', () => {
    expect(readConfig({ AUTH_JWKS_URL }).proxy).toBeNull()
    expect(readConfig({ AUTH_JWKS_URL, NO_PROXY: '*' }).proxy).toBeNull()
    expect(readConfig({ AUTH_JWKS_URL, HTTPS_PROXY: 'http://u:p%40@proxy:3128' }).proxy).toEqual({
      HTTPS_PROXY: 'http://u:p%40@proxy:3128',
      NO_PROXY: '',
    })
    const both = { HTTP_PROXY: 'http://upper', http_proxy: 'http://lower', https_proxy: 'https://s', NO_PROXY: 'a', no_proxy: 'b,c' }
    expect(readConfig({ AUTH_JWKS_URL, ...both }).proxy).toEqual({ HTTP_PROXY: 'http://lower', HTTPS_PROXY: 'https://s', NO_PROXY: 'b,c' })
  })

  test('is not read without a key server', () => {
    expect(readConfig({ HTTP_PROXY: 'proxy:3128' }).proxy).toBeNull()
  })

  test.each([
    ['HTTP_PROXY', 'hunter2:3128'],
    ['HTTPS_PROXY', 'socks5://u:hunter2@proxy:1080'],
    ['https_proxy', 'http://u:hunter2@proxy:99999'],
    ['http_proxy', 'http://u:hunter2%@proxy:3128'],
  ])('%s=%s is refused, and the message names the variable without its value', (name, value) => {
    const message = messageOf({ AUTH_JWKS_URL, [name]: value })
    expect(message).toContain(`- ${name} must`)
    expect(message).not.toContain('hunter2')
  })
})

test('proxies are trusted by number or by address', () => {
  expect(readConfig({ TRUST_PROXY: '2' }).trustProxy).toBe(2)
  expect(readConfig({ TRUST_PROXY: '10.0.0.0/8, ::1' }).trustProxy).toEqual(['10.0.0.0/8', '::1'])
})

test('every accepted address of a proxy is understood by the library that compares them', () => {
  const addresses = [
    '192.0.2.1',
    '10.0.0.0/8',
    '10.1.2.3/08',
    '::1',
    '::',
    '2001:db8::/32',
    '::ffff:10.0.0.0',
    '::ffff:10.0.0.0/104',
    '1::8/128',
  ]
  const { trustProxy } = readConfig({ TRUST_PROXY: addresses.join() })
  expect(trustProxy).toEqual(addresses)
  expect(() => createClientAddress(trustProxy)).not.toThrow()
})

function messageOf(env: Record<string, string>): string {
  try {
    readConfig(env)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('The settings were accepted')
}
