// `test` with a server and a database for each file, and users for each test: `as('ann')` is a different user in each test.
import { Writable } from 'node:stream'
import postgres from 'postgres'
import { test as base, inject } from 'vitest'
import { issue } from '../../src/auth/issue.ts'
import type { AuthConfig } from '../../src/config/auth.ts'
import type { Config } from '../../src/config/config.ts'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createLog } from '../../src/observe/log.ts'
import { type Options, type Server, serve } from '../../src/server.ts'
import { type Client, client } from './client.ts'
import { record, recordLine } from './record.ts'

export const auth: AuthConfig = {
  jwksUrl: null,
  secret: 'a-secret-that-is-only-known-to-these-tests',
  algorithms: ['HS256'],
  issuers: ['https://issuer.test'],
  audiences: ['taskspec'],
  audienceClaim: 'aud',
}

export type Service = Server & {
  databaseUrl: string
  sql: postgres.Sql
  /** every line logged so far */
  log: Record<string, unknown>[]
}

// Requests are counted, and no test reaches this limit.
const highLimits = { perMinute: 1_000_000, shared: false }

type Settings = { databaseUrl: string; port?: number; auth?: AuthConfig; maxInFlight?: number } & Partial<
  Pick<
    Config,
    | 'publicUrl'
    | 'poolSize'
    | 'pooler'
    | 'sharded'
    | 'corsOrigins'
    | 'limits'
    | 'privateWebhooks'
    | 'listCacheBytes'
    | 'maxEventStreams'
    | 'metricsPort'
    | 'timing'
    | 'tracing'
    | 'trustProxy'
  >
> &
  Pick<Options, 'timeouts' | 'api' | 'observe' | 'webhooks'>

/**
 * Starts a server on a free port. Its statements are recorded for the verdict, unless `observe` takes them. It sends no deliveries unless
 * `webhooks` says so: tests of statements and connections would find those of the deliveries too.
 */
export async function start({
  databaseUrl,
  timeouts = {},
  maxInFlight,
  api,
  webhooks = 'off',
  observe = statement => record('statements', statement),
  ...settings
}: Settings): Promise<Server & { log: Service['log'] }> {
  const log: Service['log'] = []
  const lines = new Writable({
    write(chunk, _, done) {
      const line = JSON.parse(chunk)
      log.push(line)
      recordLine(line)
      done()
    },
  })
  const url = parseDatabaseUrl(databaseUrl)
  const all = {
    host: '127.0.0.1',
    port: 0,
    publicUrl: null,
    poolSize: 4,
    workers: 1,
    pooler: false,
    sharded: inject('sharded'),
    corsOrigins: null,
    limits: highLimits,
    privateWebhooks: false,
    listCacheBytes: 32 * 2 ** 20,
    maxEventStreams: 1000,
    metricsPort: null,
    timing: false,
    tracing: null,
    trustProxy: 0,
    auth,
    ...settings,
    databaseUrl: url,
  }
  record('secrets', url.password)
  const server = await serve(all, {
    log: createLog('info', lines),
    timeouts,
    observe,
    webhooks,
    ...(api && { api }),
    ...(maxInFlight !== undefined && { maxInFlight }),
  })
  return { ...server, log }
}

let databases = 0

/** Creates a database from a template, by default one with the schema, and returns a function that drops it. */
export async function createDatabase(template = 'template_taskspec'): Promise<{ url: string; drop: () => Promise<void> }> {
  const cluster = inject('cluster')
  const name = `test_${process.pid}_${databases++}`
  const admin = postgres(`${cluster}postgres`, { max: 1, onnotice: () => {} })
  // PostgreSQL clones a template for one caller at a time.
  await admin`select pg_advisory_lock(1)`
  await admin.unsafe(`create database ${name} template ${template}`)
  await admin`select pg_advisory_unlock(1)`
  await admin.end()
  return {
    url: cluster + name,
    async drop() {
      const sql = postgres(`${cluster}postgres`, { max: 1, onnotice: () => {} })
      await sql.unsafe(`drop database if exists ${name} with (force)`)
      await sql.end()
    },
  }
}

export function tokenOf(id: string, claims: { email?: string; name?: string } = {}, lifetimeSeconds = 3600): Promise<string> {
  record('userIds', id)
  return issue(auth, { id, claims: { email: claims.email ?? null, name: claims.name ?? null } }, lifetimeSeconds)
}

type Fixtures = {
  $file: { service: Service }
  $test: {
    /** The client of a user that is new in each test. */
    as: (name: string, claims?: { email?: string; name?: string }) => Promise<Client & { id: string }>
    anonymous: Client
  }
}

let tests = 0

export const test = base.extend<Fixtures>({
  service: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern
    async ({}, use) => {
      const database = await createDatabase()
      const sql = postgres(database.url, { max: 2, onnotice: () => {} })
      // No test of this server is about timeouts, and the machine may be slow.
      const server = await start({ databaseUrl: database.url, timeouts: { databaseFactor: 10 } })
      await use({ ...server, databaseUrl: database.url, sql })
      await server.stop()
      await sql.end()
      await database.drop()
    },
    { scope: 'file' },
  ],
  as: [
    async ({ service }, use) => {
      const number = tests++
      await use(async (name, claims) => {
        const id = `${name}-${number}`
        return { ...client(service.url, await tokenOf(id, claims)), id }
      })
    },
    { scope: 'test' },
  ],
  anonymous: [async ({ service }, use) => use(client(service.url, undefined)), { scope: 'test' }],
})
