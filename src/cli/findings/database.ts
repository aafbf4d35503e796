// The doctor's check of the database: version, limits, clock and migrations.
import type { Config } from '../../config/config.ts'
import type { Database } from '../../database/database.ts'
import { applied, versions } from '../../database/migrations.ts'
import { explain } from '../../database/remedies.ts'
import { sql } from '../../database/sql.ts'
import { citusFindings } from './citus.ts'
import type { Finding } from './finding.ts'
import { roleFinding } from './role.ts'
import { sessionFindings } from './session.ts'

type ServerFacts = { version: string; versionNumber: number; now: number; maxConnections: number }

const minVersionNumber = 150_000 // server_version_num
const maxClockDriftSeconds = 5 // the clock tolerance of tokens

type Settings = Pick<Config, 'production' | 'poolSize' | 'workers' | 'pooler' | 'sharded'>

export async function databaseFindings(db: Database, { production, poolSize, workers, pooler, sharded }: Settings): Promise<Finding[]> {
  const startedAt = Date.now()
  const [server] = (await db.read<ServerFacts>(
    'select settings',
    sql`
    select current_setting('server_version') as version,
      current_setting('server_version_num')::integer as version_number,
      (extract(epoch from clock_timestamp()) * 1000)::bigint as now,
      least(
        current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer,
        (select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user),
        (select nullif(datconnlimit, -1) from pg_database where datname = current_database())) as max_connections`,
  )) as [ServerFacts]
  const ms = Date.now() - startedAt
  const driftSeconds = Math.abs(server.now - (startedAt + ms / 2)) / 1000
  return [
    {
      subject: 'database',
      state: `PostgreSQL ${server.version}, first reply after ${ms} ms`,
      ...(server.versionNumber < minVersionNumber && { remedy: 'Upgrade to PostgreSQL 15 or newer.' }),
    },
    ...(await sessionFindings(db, pooler)),
    await migrationsFinding(db),
    connectionsFinding(poolSize * workers, server.maxConnections),
    {
      subject: 'clock',
      state: `differs by ${driftSeconds.toFixed(1)} s from the clock of the database`,
      ...(driftSeconds > maxClockDriftSeconds && { remedy: 'Synchronise the clocks with NTP: tokens expire by them.' }),
    },
    await roleFinding(db, production),
    ...(await citusFindings(db, sharded)),
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
  const remedy =
    'Lower DATABASE_POOL_SIZE or WEB_CONCURRENCY, raise max_connections and the limits of the role and the database, or put a pooler in between.'
  const state = `this server needs ${needed}, the database has ${available}`
  return { subject: 'connections', state, ...(needed > available && { remedy }) }
}

export function unreachable(error: unknown, hosts: string): Finding {
  const { code, meaning, remedy } = explain(error)
  return { subject: 'database', state: `not usable at ${hosts}: ${meaning}${code === '' ? '' : ` (${code})`}`, remedy }
}
