// `npm run doctor`: looks at all that the server needs, with the settings that it would have, and says what to do.
import { createAuthenticator } from '../auth/authenticator.ts'
import { type Config, ConfigError, readConfig } from '../config/config.ts'
import { hosts } from '../config/database-url.ts'
import { Problem } from '../contract/problem.ts'
import { createDatabase, type Database } from '../database/database.ts'
import { errorCode } from '../database/errors.ts'
import { applied, versions } from '../database/migrations.ts'
import { roleOf } from '../database/primary.ts'
import { sql } from '../database/sql.ts'

/** `remedy` is what to do; undefined where all is well. */
type Finding = { about: string; found: string; remedy?: string }

const oldest = 150_000 // server_version_num
const apart = 5 // seconds that clocks may differ, as tokens allow

async function examine(config: Config): Promise<Finding[]> {
  const settings = { about: 'settings', found: config.production ? 'for production' : 'for development' }
  if (config.databaseUrl === null) return [settings, { about: 'database', found: 'embedded, made by npm start' }, await keys(config)]
  const db = createDatabase({ url: config.databaseUrl, poolSize: 1, pooler: config.pooler })
  const { urls } = hosts(config.databaseUrl)
  const found = await databaseFindings(db, config).catch(error => [away(error, urls.map(nameOf).join(' or '))])
  await db.close()
  return [settings, ...(urls.length > 1 ? [await hostsFinding(urls, config.pooler)] : []), ...found, await keys(config)]
}

/** Who takes writes: it must be one. */
async function hostsFinding(urls: string[], pooler: boolean): Promise<Finding> {
  const roles = await Promise.all(urls.map(url => roleOf(url, pooler)))
  const primaries = roles.filter(role => role === 'primary').length
  const found = urls.map((url, index) => `${nameOf(url)} ${roles[index]}`).join(', ')
  if (primaries === 1) return { about: 'hosts', found }
  const remedy = primaries === 0 ? 'Promote a standby.' : 'Stop all but one primary: what is written to the others will be lost.'
  return { about: 'hosts', found, remedy }
}

const nameOf = (url: string) => new URL(url).host

async function databaseFindings(db: Database, { production, poolSize, workers }: Config): Promise<Finding[]> {
  const asked = Date.now()
  const [server] = (await db.read<{ version: string; number: number; now: number; places: number; creates: boolean }>(
    'select settings',
    sql`
    select current_setting('server_version') as version,
      current_setting('server_version_num')::integer as number,
      (extract(epoch from clock_timestamp()) * 1000)::bigint as now,
      current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer as places,
      has_schema_privilege('public', 'create') as creates`,
  )) as [{ version: string; number: number; now: number; places: number; creates: boolean }]
  const took = Date.now() - asked
  const drift = Math.abs(server.now - (asked + took / 2)) / 1000
  const wanted = poolSize * workers
  return [
    {
      about: 'database',
      found: `PostgreSQL ${server.version}, first answer after ${took} ms`,
      ...(server.number < oldest && { remedy: 'Move to PostgreSQL 15 or newer.' }),
    },
    await migrations(db),
    {
      about: 'connections',
      found: `${wanted} wanted by this server, ${server.places} to be had`,
      ...(wanted > server.places && {
        remedy: 'Lower DATABASE_POOL_SIZE or WEB_CONCURRENCY, raise max_connections, or put a pooler between.',
      }),
    },
    {
      about: 'clock',
      found: `${drift.toFixed(1)} s from that of the database`,
      ...(drift > apart && { remedy: 'Set the clocks by NTP: tokens expire by them.' }),
    },
    {
      about: 'role',
      found: server.creates ? 'may change the schema' : 'can not change the schema',
      ...(production && server.creates && { remedy: 'Give the server a role of its own: see db/roles.sql.' }),
    },
  ]
}

async function migrations(db: Database): Promise<Finding> {
  const known = await versions()
  const done = await applied(db)
  const pending = known.filter(version => !done.includes(version)).length
  const newer = done.filter(version => !known.includes(version)).length
  const found = `${known.length - pending} of ${known.length} are applied${newer > 0 ? `, and ${newer} of a newer release` : ''}`
  return { about: 'migrations', found, ...(pending > 0 && { remedy: 'Run: npm run migrate' }) }
}

/** A token that nobody has signed makes the server fetch its keys. */
async function keys({ auth }: Config): Promise<Finding> {
  if (auth === null) return { about: 'keys', found: 'the development key' }
  if (auth.jwksUrl === null) return { about: 'keys', found: 'the shared secret' }
  const header = Buffer.from(JSON.stringify({ alg: auth.algorithms[0], kid: 'doctor' })).toString('base64url')
  const refused = await createAuthenticator(auth)(`Bearer ${header}.e30.AA`).catch(error => error)
  if (refused instanceof Problem && refused.kind === 'unauthenticated') return { about: 'keys', found: `come from ${auth.jwksUrl}` }
  return { about: 'keys', found: `do not come from ${auth.jwksUrl}`, remedy: 'Check AUTH_JWKS_URL, and that this machine reaches it.' }
}

function away(error: unknown, host: string): Finding {
  const causes = []
  for (let each = error; each instanceof Error; each = each.cause) causes.push(errorCode(each))
  const code = causes.findLast(each => each !== '') ?? ''
  const remedy = /^(28|3D)/.test(code)
    ? 'Check user, password and database in DATABASE_URL.'
    : 'Check DATABASE_URL, and that this machine reaches it.'
  return { about: 'database', found: `does not answer at ${host}${code === '' ? '' : ` (${code})`}`, remedy }
}

if (import.meta.main) {
  try {
    const findings = await examine(readConfig())
    for (const { about, found, remedy } of findings) {
      console.log(
        `${remedy === undefined ? 'ok' : '!!'}  ${about.padEnd(12)}${found}${remedy === undefined ? '' : `\n                ${remedy}`}`,
      )
    }
    if (findings.some(({ remedy }) => remedy !== undefined)) process.exitCode = 1
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
