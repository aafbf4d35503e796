// The settings of a process, read once from the environment. Only this folder reads it.
import ipaddr from 'ipaddr.js'
import { type AuthConfig, readAuth } from './auth.ts'
import { type DatabaseUrl, readDatabaseUrl } from './database-url.ts'
import { createEnvironment, type Environment, type Variables } from './environment.ts'
import { readOrigins } from './origins.ts'
import { type ProxyConfig, readProxy } from './proxy.ts'
import { readTracing, type TracingConfig } from './tracing.ts'

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export type LimitsConfig = Readonly<{
  /** requests; 0 for no limit */
  perMinute: number
  /** whether the counters are in the database and count for all processes; else each process counts by itself */
  shared: boolean
}>

export type Config = Readonly<{
  production: boolean
  host: string
  port: number
  /** where clients find the API, if a proxy publishes it elsewhere; without a slash at its end */
  publicUrl: string | null
  logLevel: (typeof logLevels)[number]
  /** null: the embedded database, for development only */
  databaseUrl: DatabaseUrl | null
  /** URL of the role that owns the schema, for migrations */
  migrationUrl: DatabaseUrl | null
  poolSize: number
  /** whether a pooler in transaction mode stands in front of the database */
  pooler: boolean
  /** whether the tables are distributed by Citus */
  sharded: boolean
  /** whether replies have Server-Timing, for development */
  timing: boolean
  /** null: the development key, and a token printed at start */
  auth: AuthConfig | null
  /** between this server and the key server; null: none */
  proxy: ProxyConfig | null
  /** `*` alone: every origin; null: every origin on localhost, for development only */
  corsOrigins: readonly string[] | null
  limits: LimitsConfig
  /** whether webhooks may lead to private addresses, also without TLS; for development */
  privateWebhooks: boolean
  /** pages of lists in memory; 0: none */
  listCacheBytes: number
  /** streams of events that a process has open at most */
  maxEventStreams: number
  /** port that Prometheus scrapes; null: no metrics */
  metricsPort: number | null
  /** null: no traces */
  tracing: TracingConfig | null
  /** number of worker processes */
  workers: number
  /** number of proxies in front, each of which appends to X-Forwarded-For, or their addresses */
  trustProxy: number | readonly string[]
}>

/** Every setting that is missing or bad, in one message. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** Reads the environment. Throws a ConfigError that names every missing or bad variable. */
export function readConfig(variables: Variables = process.env, { port = 3000 } = {}): Config {
  const environment = createEnvironment(variables)
  const { text, host, integer, oneOf, errors } = environment
  const production = readMode(environment) === 'production'

  const config: Config = {
    production,
    host: host('HOST', '127.0.0.1'),
    port: integer('PORT', port, [0, 65535]),
    publicUrl: readPublicUrl(environment),
    logLevel: oneOf('LOG_LEVEL', logLevels, 'info'),
    databaseUrl: readDatabaseUrl(environment, 'DATABASE_URL'),
    migrationUrl: readDatabaseUrl(environment, 'MIGRATION_DATABASE_URL'),
    poolSize: integer('DATABASE_POOL_SIZE', 10, [1, 1000]),
    pooler: oneOf('DATABASE_POOLER', ['transaction'], null) !== null,
    sharded: oneOf('DATABASE_SHARDED', ['citus'], null) !== null,
    timing: !production,
    auth: readAuth(environment, production),
    proxy: text('AUTH_JWKS_URL') === null ? null : readProxy(environment),
    corsOrigins: readOrigins(environment, 'CORS_ORIGINS') ?? (production ? [] : null),
    limits: {
      perMinute: integer('RATE_LIMIT_PER_MINUTE', 600, [0, 1_000_000_000]),
      shared: oneOf('RATE_LIMIT_STORE', ['memory', 'postgres'], 'memory') === 'postgres',
    },
    privateWebhooks: oneOf('WEBHOOK_PRIVATE_ADDRESSES', ['allow'], null) !== null,
    // A pooler hides lost connections, after which the cache must be empty.
    listCacheBytes: integer('LIST_CACHE_MIB', text('DATABASE_POOLER') === null ? 32 : 0, [0, 4096]) * 2 ** 20,
    maxEventStreams: integer('MAX_EVENT_STREAMS', 5000, [0, 1_000_000]),
    metricsPort: text('METRICS_PORT') === null ? null : integer('METRICS_PORT', 0, [0, 65535]),
    tracing: readTracing(environment),
    workers: integer('WEB_CONCURRENCY', 1, [1, 512]),
    trustProxy: proxies(environment),
  }
  if (production && config.databaseUrl === null)
    errors.push('DATABASE_URL must be set in production: the embedded database is for development')

  if (errors.length > 0) throw new ConfigError(`The environment is not valid:\n${errors.map(each => `  - ${each}\n`).join('')}`)
  return Object.freeze(config)
}

/** The driver obeys this variable against its own options. DATABASE_URL alone says what to connect to. */
export function ignoreDriverVariables(): void {
  delete process.env.PGTARGETSESSIONATTRS
}

/** A name such as `staging` would otherwise silently have the settings of development. */
function readMode({ text, errors }: Environment): string | null {
  const mode = text('NODE_ENV')
  if (mode !== null && !['production', 'development', 'test'].includes(mode))
    errors.push(
      `NODE_ENV must be production, development or test, or must not be set: "${mode}" is none of them. Every deployment, also one for trials, is production`,
    )
  return mode
}

function readPublicUrl({ url, errors }: Environment): string | null {
  const value = url('PUBLIC_URL', ['https:', 'http:'])
  const { username, password, pathname, origin } = new URL(URL.parse(value ?? '') ?? 'http://localhost')
  if (username + password !== '' || /[?#]|[^:]\/\//.test(value ?? ''))
    errors.push('PUBLIC_URL must be like https://example.com/tasks, without a user, a query, a fragment or an empty part of the path')
  return value === null ? null : origin + pathname.replace(/\/$/, '')
}

function proxies({ list, errors }: Environment): Config['trustProxy'] {
  const value = list('TRUST_PROXY') ?? ['0']
  if (value.length === 1 && /^\d+$/.test(value[0] as string)) return Number(value[0])
  for (const each of value)
    if (!isNetwork(each))
      errors.push(
        `TRUST_PROXY must be the number of proxies, or their addresses like 10.0.0.0/8, separated by commas: "${each}" is neither`,
      )
  return value
}

/** An address without a zone id, or a range in CIDR notation. A range of all addresses would trust every client. */
function isNetwork(text: string): boolean {
  const { IPv4, IPv6 } = ipaddr
  if (text.includes('%') || /\/0+$/.test(text)) return false
  const isIpv4 = IPv4.isValidFourPartDecimal(text) || IPv4.isValidCIDRFourPartDecimal(text)
  return isIpv4 || IPv6.isValid(text) || IPv6.isValidCIDR(text)
}
