import { isIP } from 'node:net'
import { hosts } from './database-url.ts'

const asymmetric = ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export type AuthConfig = Readonly<{
  jwksUrl: string | null
  secret: string | null
  algorithms: readonly string[]
  issuer: string | null
  audience: string | null
}>

export type LimitsConfig = Readonly<{
  /** requests; 0 for no limit */
  perMinute: number
  /** counted in the database, for several processes together; else each process counts by itself */
  shared: boolean
}>

const samplers = [
  ...['always_on', 'always_off', 'traceidratio'],
  ...['parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'],
] as const

export type TracingConfig = Readonly<{
  url: string
  headers: Readonly<Record<string, string>>
  /** what the traces say about their process, `service.name` at least */
  resource: Readonly<Record<string, string>>
  sampler: (typeof samplers)[number]
  /** of the traces that a sampler with a ratio takes */
  ratio: number
}>

export type Config = Readonly<{
  production: boolean
  host: string
  port: number
  logLevel: (typeof levels)[number]
  /** null: the embedded database, for development only */
  databaseUrl: string | null
  /** of the role that owns the schema, for migrations */
  migrationUrl: string | null
  poolSize: number
  /** whether a pooler in transaction mode stands before the database */
  pooler: boolean
  /** whether replies say in Server-Timing where the time went: in development */
  timing: boolean
  /** null: a development key, and a token printed at start */
  auth: AuthConfig | null
  /** null: every origin on localhost, for development only */
  corsOrigins: readonly string[] | null
  limits: LimitsConfig
  /** where Prometheus reads; null: nowhere */
  metricsPort: number | null
  /** where traces go, in the words of OpenTelemetry; null: nowhere */
  tracing: TracingConfig | null
  /** processes that do the work */
  workers: number
  /** how many proxies stand in front, each of which adds to X-Forwarded-For, or their addresses */
  trustProxy: number | readonly string[]
}>

/** Every setting that is missing or wrong, in one message. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** Reads the environment once. Throws a ConfigError that names every missing or bad variable. */
export function readConfig(env: Record<string, string | undefined> = process.env, { port = 3000 } = {}): Config {
  const mistakes: string[] = []
  const production = env.NODE_ENV === 'production'

  const text = (name: string) => env[name]?.trim() || null
  const list = (name: string) => text(name)?.split(/[\s,]+/) ?? null

  function integer(name: string, fallback: number, [least, most]: [number, number]) {
    const value = text(name) === null ? fallback : Number(text(name))
    if (!Number.isInteger(value) || value < least || value > most) mistakes.push(`${name} must be a whole number from ${least} to ${most}`)
    return value
  }

  function url(name: string, protocols: string[]) {
    const value = text(name)
    if (value !== null && !(URL.canParse(value) && protocols.includes(new URL(value).protocol)))
      mistakes.push(`${name} must be a URL that starts with ${protocols.map(each => `${each}//`).join(' or ')}`)
    return value
  }

  function database(name: string) {
    const value = text(name)
    try {
      if (value !== null) hosts(value)
    } catch (error) {
      mistakes.push(`${name} must ${(error as Error).message}`)
    }
    return value
  }

  function pooler() {
    const value = text('DATABASE_POOLER')
    if (value !== null && value !== 'transaction') mistakes.push('DATABASE_POOLER must be transaction, or absent')
    return value === 'transaction'
  }

  function level() {
    const value = levels.find(each => each === (text('LOG_LEVEL') ?? 'info'))
    if (value === undefined) mistakes.push(`LOG_LEVEL must be one of ${levels.join(', ')}`)
    return value ?? 'info'
  }

  function origins() {
    const value = list('CORS_ORIGINS')
    for (const origin of value ?? [])
      if (!URL.canParse(origin) || new URL(origin).origin !== origin)
        mistakes.push(`CORS_ORIGINS must be origins like https://app.example.com, separated by commas: "${origin}" is not one`)
    return value ?? (production ? [] : null)
  }

  function auth(): AuthConfig | null {
    const jwksUrl = url('AUTH_JWKS_URL', ['https:', 'http:'])
    if (jwksUrl !== null && URL.canParse(jwksUrl) && new URL(jwksUrl).username !== '')
      mistakes.push('AUTH_JWKS_URL must have no user and password in it')
    const secret = text('AUTH_SECRET')
    const issuer = text('AUTH_ISSUER')
    const audience = text('AUTH_AUDIENCE')
    const algorithms = list('AUTH_ALGORITHMS') ?? asymmetric

    if (secret !== null && Buffer.byteLength(secret) < 32) mistakes.push('AUTH_SECRET must have at least 32 bytes')
    for (const each of algorithms)
      if (!asymmetric.includes(each)) mistakes.push(`AUTH_ALGORITHMS must be some of ${asymmetric.join(', ')}: "${each}" is not one`)
    if (production && jwksUrl === null && secret === null)
      mistakes.push('AUTH_JWKS_URL or AUTH_SECRET must be set in production: who issues the tokens?')
    if (production && issuer === null) mistakes.push('AUTH_ISSUER must be set in production: the "iss" of the tokens')
    if (production && audience === null) mistakes.push('AUTH_AUDIENCE must be set in production: the "aud" of the tokens')

    if (jwksUrl === null && secret === null) return null
    return {
      jwksUrl,
      secret,
      issuer,
      audience,
      algorithms: [...(jwksUrl === null ? [] : algorithms), ...(secret === null ? [] : ['HS256'])],
    }
  }

  function trustProxy(): Config['trustProxy'] {
    const value = list('TRUST_PROXY') ?? ['0']
    if (value.length === 1 && /^\d+$/.test(value[0] as string)) return Number(value[0])
    for (const each of value)
      if (!isNetwork(each))
        mistakes.push(
          `TRUST_PROXY must be how many proxies there are, or their addresses like 10.0.0.0/8, separated by commas: "${each}" is neither`,
        )
    return value
  }

  function limits(): LimitsConfig {
    const store = text('RATE_LIMIT_STORE') ?? 'memory'
    if (store !== 'memory' && store !== 'postgres') mistakes.push('RATE_LIMIT_STORE must be memory or postgres')
    return { perMinute: integer('RATE_LIMIT_PER_MINUTE', 600, [0, 1_000_000_000]), shared: store === 'postgres' }
  }

  /** `name=value` in a list, percent-encoded. A value may be a secret, so the refusal shows none. */
  function pairs(name: string): Record<string, string> {
    const parts =
      text(name)
        ?.split(',')
        .filter(each => each.trim() !== '') ?? []
    try {
      return Object.fromEntries(
        parts.map(each => {
          const [, key, value] = /^\s*([\w.!#$%&'*+^`|~-]+)\s*=([^\r\n]*)$/.exec(each) as unknown as [string, string, string]
          return [decodeURIComponent(key), decodeURIComponent(value.trim())]
        }),
      )
    } catch {
      mistakes.push(`${name} must be pairs like name=value, percent-encoded, separated by commas`)
      return {}
    }
  }

  function tracing(): TracingConfig | null {
    const [all, own] = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'].map(name => url(name, ['http:', 'https:']))
    const endpoint = own ?? all?.replace(/\/*$/, '/v1/traces') ?? null
    if (endpoint === null || text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return null
    const protocol = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'].find(name => text(name) !== null)
    if (protocol !== undefined && text(protocol) !== 'http/json') mistakes.push(`${protocol} must be http/json, or absent`)
    const sampler = samplers.find(each => each === (text('OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on'))
    if (sampler === undefined) mistakes.push(`OTEL_TRACES_SAMPLER must be one of ${samplers.join(', ')}`)
    const ratio = Number(text('OTEL_TRACES_SAMPLER_ARG') ?? 1)
    if (!(ratio >= 0 && ratio <= 1)) mistakes.push('OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1')
    const resource = pairs('OTEL_RESOURCE_ATTRIBUTES')
    return {
      url: endpoint,
      headers: { ...pairs('OTEL_EXPORTER_OTLP_HEADERS'), ...pairs('OTEL_EXPORTER_OTLP_TRACES_HEADERS') },
      resource: { ...resource, 'service.name': text('OTEL_SERVICE_NAME') ?? resource['service.name'] ?? 'taskspec' },
      sampler: sampler ?? 'always_off',
      ratio,
    }
  }

  const config: Config = {
    production,
    host: text('HOST') ?? '127.0.0.1',
    port: integer('PORT', port, [0, 65535]),
    logLevel: level(),
    databaseUrl: database('DATABASE_URL'),
    migrationUrl: database('MIGRATION_DATABASE_URL'),
    poolSize: integer('DATABASE_POOL_SIZE', 10, [1, 1000]),
    pooler: pooler(),
    timing: !production,
    auth: auth(),
    corsOrigins: origins(),
    limits: limits(),
    metricsPort: text('METRICS_PORT') === null ? null : integer('METRICS_PORT', 0, [0, 65535]),
    tracing: tracing(),
    workers: integer('WEB_CONCURRENCY', 1, [1, 512]),
    trustProxy: trustProxy(),
  }
  if (production && config.databaseUrl === null)
    mistakes.push('DATABASE_URL must be set in production: the embedded database is for development')

  if (mistakes.length > 0) throw new ConfigError(`The environment is not right:\n${mistakes.map(each => `  - ${each}\n`).join('')}`)
  return Object.freeze(config)
}

/** An address, or addresses that begin alike, such as 10.0.0.0/8. */
function isNetwork(text: string): boolean {
  const [address = '', length, ...more] = text.split('/')
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] as number
  return bits > 0 && more.length === 0 && (length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= bits))
}
