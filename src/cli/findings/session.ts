// Whether a session has the settings that the statements need, and what the database itself has: encoding and collations.
import type { Database } from '../../database/database.ts'
import { settingRemedy } from '../../database/remedies.ts'
import { isFit, neededValue, readSettings, type Setting } from '../../database/session.ts'
import { sql } from '../../database/sql.ts'
import { type Finding, finding } from './finding.ts'

type Facts = { role: string; statementTimeout: string; jit: string; replaced: string[] }
type Collation = { name: string; version: string; actual: string; isDatabase: boolean }

/** The timeout that the connection of the doctor asks for. A pooler that drops it drops every setting. */
export const statementTimeout = { factor: 2, shown: '3s' }

export async function sessionFindings(db: Database, pooler: boolean): Promise<Finding[]> {
  const settings = await db.read<Setting>('select settings', readSettings)
  const [facts] = (await db.read<Facts>(
    'select session',
    sql`
    select quote_ident(current_user) as role, current_setting('statement_timeout') as statement_timeout, current_setting('jit') as jit,
      array(select unnest(setconfig) from pg_db_role_setting
        where setdatabase in (0, (select oid from pg_database where datname = current_database()))
          and setrole in (0, (select oid from pg_roles where rolname = current_user)))::text[] as replaced`,
  )) as [Facts]
  const encoding = settings.find(({ name }) => name === 'server_encoding') as Setting
  const session = settings.filter(({ name }) => name !== 'server_encoding')
  return [
    pooler ? roleFinding(session, facts) : connectionFinding(session, facts),
    {
      subject: 'encoding',
      state: encoding.value,
      ...(!isFit(encoding.name, encoding.value) && { remedy: settingRemedy(encoding.name) }),
    },
    collationFinding(await db.read<Collation>('select collations', outdated)),
  ]
}

/** Behind a pooler the settings are those of the role. */
function roleFinding(settings: Setting[], { role, statementTimeout, jit }: Facts): Finding {
  const wrong = settings.filter(({ name, value }) => !isFit(name, value) || (name === 'lock_timeout' && value !== '0'))
  const remedies = wrong.map(({ name }) => settingRemedy(name, `'${neededValue(name)}'`, role))
  if (statementTimeout === '0') remedies.push(settingRemedy('statement_timeout', "'1500ms'", role))
  if (jit === 'on') remedies.push(settingRemedy('jit', 'off', role))
  const state = [...settings.filter(({ name }) => name === 'TimeZone'), ...wrong.filter(({ name }) => name !== 'TimeZone')]
    .map(({ name, value }) => `${name} ${value}`)
    .concat(`statement_timeout ${statementTimeout}`, `jit ${jit}`)
  return finding('session', `of the role, behind a pooler: ${state.join(', ')}`, remedies)
}

/** The server sets its own for each connection. */
function connectionFinding(settings: Setting[], facts: Facts): Finding {
  if (facts.statementTimeout !== statementTimeout.shown)
    return finding('session', 'a pooler in between does not keep the settings of a connection', [
      'Set DATABASE_POOLER=transaction, and the settings of the role as README.md says.',
    ])
  const wrong = settings.filter(({ name, value }) => !isFit(name, value))
  const names = settings.map(({ name }) => name.toLowerCase())
  const replaced = facts.replaced.filter(each => names.includes((each.split('=')[0] as string).toLowerCase()))
  const state = `TimeZone ${settings.find(({ name }) => name === 'TimeZone')?.value}, set by the server`
  return finding(
    'session',
    [state, ...replaced.map(each => `instead of ${each} of the role or database`)].join(', '),
    wrong.map(({ name }) => settingRemedy(name, `'${neededValue(name)}'`, facts.role)),
  )
}

// After an upgrade of the operating system, texts may be sorted differently than their indexes.
const outdated = sql`
  select datname::text as name, datcollversion as version, pg_database_collation_actual_version(oid) as actual, true as is_database
  from pg_database where datname = current_database() and datcollversion <> pg_database_collation_actual_version(oid)
  union all
  select collname::text, collversion, pg_collation_actual_version(oid), false
  from pg_collation
  where collversion <> pg_collation_actual_version(oid) and oid in (
    select attcollation from pg_attribute join pg_class on pg_class.oid = attrelid where relnamespace = 'public'::regnamespace)`

function collationFinding(collations: Collation[]): Finding {
  if (collations.length === 0) return { subject: 'collations', state: 'of the version of the indexes' }
  const state = collations.map(({ name, version, actual }) => `${name} has version ${version}, the system ${actual}`).join(', ')
  const remedies = collations.map(({ name, isDatabase }) =>
    isDatabase
      ? `reindex database "${name}"; alter database "${name}" refresh collation version`
      : `Reindex the tables, then: alter collation "${name}" refresh version`,
  )
  return finding('collations', state, remedies)
}
