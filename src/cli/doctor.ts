// `npm run doctor`: checks everything that the server needs, with the server's own settings, and says what to do.
import { type Config, ConfigError, readConfig } from '../config/config.ts'
import { hosts } from '../config/database-url.ts'
import { createDatabase, type Database } from '../database/database.ts'
import { errorCode } from '../database/errors.ts'
import { applied, versions } from '../database/migrations.ts'
import { roleOf } from '../database/primary.ts'
import { sql } from '../database/sql.ts'
import type { Finding } from './findings/finding.ts'
import { keysFinding } from './findings/keys.ts'

type ServerFacts = { version: string; versionNumber: number; now: number; maxConnections: number; createsTables: boolean }

const minVersionNumber = 150_000 // server_version_num
const maxClockDriftSeconds = 5 // the clock tolerance of tokens

async function examine(config: Config): Promise<Finding[]> {
  const settings = { subject: 'settings', state: config.production ? 'for production' : 'for development' }
  if (config.databaseUrl === null)
    return [settings, { subject: 'database', state: 'embedded, started by npm start' }, await keysFinding(config)]
  const db = createDatabase({ url: config.databaseUrl, poolSize: 1, pooler: config.pooler })
  const { urls } = hosts(config.databaseUrl)
  const findings = await databaseFindings(db, config).catch(error => [unreachable(error, urls.map(hostOf).join(' or '))])
  await db.close()
  return [settings, ...(urls.length > 1 ? [await hostsFinding(urls, config.pooler)] : []), ...findings, await keysFinding(config)]
}

/** Exactly one host must accept writes. */
async function hostsFinding(urls: string[], pooler: boolean): Promise<Finding> {
  const roles = await Promise.all(urls.map(url => roleOf(url, pooler)))
  const primaries = roles.filter(role => role === 'primary').length
  const state = urls.map((url, index) => `${hostOf(url)} ${roles[index]}`).join(', ')
  if (primaries === 1) return { subject: 'hosts', state }
  const remedy = primaries === 0 ? 'Promote a standby.' : 'Stop all primaries except one: writes to the others will be lost.'
  return { subject: 'hosts', state, remedy }
}

const hostOf = (url: string) => new URL(url).host

async function databaseFindings(db: Database, { production, poolSize, workers }: Config): Promise<Finding[]> {
  const startedAt = Date.now()
  const [server] = (await db.read<ServerFacts>(
    'select settings',
    sql`
    select current_setting('server_version') as version,
      current_setting('server_version_num')::integer as version_number,
      (extract(epoch from clock_timestamp()) * 1000)::bigint as now,
      current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer as max_connections,
      has_schema_privilege('public', 'create') as creates_tables`,
  )) as [ServerFacts]
  const ms = Date.now() - startedAt
  const driftSeconds = Math.abs(server.now - (startedAt + ms / 2)) / 1000
  return [
    {
      subject: 'database',
      state: `PostgreSQL ${server.version}, first reply after ${ms} ms`,
      ...(server.versionNumber < minVersionNumber && { remedy: 'Upgrade to PostgreSQL 15 or newer.' }),
    },
    await migrationsFinding(db),
    connectionsFinding(poolSize * workers, server.maxConnections),
    {
      subject: 'clock',
      state: `differs by ${driftSeconds.toFixed(1)} s from the clock of the database`,
      ...(driftSeconds > maxClockDriftSeconds && { remedy: 'Synchronise the clocks with NTP: tokens expire by them.' }),
    },
    {
      subject: 'role',
      state: server.createsTables ? 'can change the schema' : "can't change the schema",
      ...(production && server.createsTables && { remedy: 'Give the server a role of its own: see db/roles.sql.' }),
    },
  ]
}

async function migrationsFinding(db: Database): Promise<Finding> {
  const existing = await versions()
  const done = await applied(db)
  const pending = existing.filter(version => !done.includes(version)).length
  const newer = done.filter(version => !existing.includes(version)).length
  const state = `${existing.length - pending} of ${existing.length} are applied${newer > 0 ? `, and ${newer} of a newer release` : ''}`
  return { subject: 'migrations', state, ...(pending > 0 && { remedy: 'Run: npm run migrate' }) }
}

function connectionsFinding(needed: number, available: number): Finding {
  const remedy = 'Lower DATABASE_POOL_SIZE or WEB_CONCURRENCY, raise max_connections, or put a pooler in between.'
  const state = `this server needs ${needed}, the database has ${available}`
  return { subject: 'connections', state, ...(needed > available && { remedy }) }
}

function unreachable(error: unknown, host: string): Finding {
  const codes = []
  for (let cause = error; cause instanceof Error; cause = cause.cause) codes.push(errorCode(cause))
  const code = codes.findLast(each => each !== '') ?? ''
  // Class 28 is a refused login, class 3D a missing database.
  const remedy = /^(28|3D)/.test(code)
    ? 'Check the user, password and database in DATABASE_URL.'
    : 'Check DATABASE_URL and the network between this machine and the database.'
  return { subject: 'database', state: `does not answer at ${host}${code === '' ? '' : ` (${code})`}`, remedy }
}

try {
  const findings = await examine(readConfig())
  for (const { subject, state, remedy } of findings) {
    console.log(`${remedy === undefined ? 'ok' : '!!'}  ${subject.padEnd(12)}${state}`)
    if (remedy !== undefined) console.log(`                ${remedy}`)
  }
  if (findings.some(({ remedy }) => remedy !== undefined)) process.exitCode = 1
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
