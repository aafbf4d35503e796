// The doctor's check of Citus: whether the tables are distributed as db/distribute.sql does it, and whether the server knows.
import type { Database } from '../../database/database.ts'
import { sql } from '../../database/sql.ts'
import { type Finding, finding } from './finding.ts'

/** The column by which each table is distributed, as in db/distribute.sql; null: a reference table, which is on every node. */
export const distribution: Readonly<Record<string, string | null>> = {
  users: 'id',
  categories: 'owner_id',
  tasks: 'owner_id',
  calendars: 'owner_id',
  webhooks: 'owner_id',
  webhook_deliveries: 'owner_id',
  idempotency_keys: 'owner_id',
  rate_limits: 'key',
  schema_migrations: null,
}

type Table = { name: string; isDistributed: boolean; key: string | null; isWithUsers: boolean }
type Facts = { version: string; workers: number }

/** Nothing where the extension neither is nor is expected. */
export async function citusFindings(db: Database, sharded: boolean): Promise<Finding[]> {
  const extensions = await db.read('select extension', sql`select extversion from pg_extension where extname = 'citus'`)
  if (extensions.length > 0) return [await clusterFinding(db, sharded)]
  const remedy = 'Unset DATABASE_SHARDED, or install Citus and distribute the tables as src/ops/README.md says.'
  return sharded ? [{ subject: 'citus', state: 'DATABASE_SHARDED is set, and the extension is not in this database', remedy }] : []
}

async function clusterFinding(db: Database, sharded: boolean): Promise<Finding> {
  const [facts] = (await db.read<Facts>(
    'select cluster',
    sql`
    select split_part(citus_version(), ' on ', 1) as version,
      (select count(*) from pg_dist_node where groupid <> 0 and noderole = 'primary' and isactive)::integer as workers`,
  )) as [Facts]
  const tables = await db.read<Table>('select distribution', readDistribution)
  const missing = tables.filter(({ isDistributed }) => !isDistributed).map(({ name }) => name)
  const wrong = tables.filter(table => table.isDistributed && !isRight(table))
  const state = [
    `${facts.version}, workers: ${facts.workers}`,
    ...tables.filter(({ isDistributed }) => isDistributed).map(describe),
    ...missing.map(name => `${name} not distributed`),
    sharded ? 'users share no statement' : 'users share statements',
  ]
  return finding('citus', state.join(', '), [
    ...(sharded ? [] : ['Set DATABASE_SHARDED=citus: Citus refuses statements that several users share.']),
    ...(missing.length > 0
      ? ['As the owner of the tables, on the coordinator: psql --set ON_ERROR_STOP=1 --file db/distribute.sql "$MIGRATION_DATABASE_URL"']
      : []),
    ...wrong.map(
      ({ name }) =>
        `As the owner of the tables: select undistribute_table('${name}', cascade_via_foreign_keys => true); and then db/distribute.sql: ` +
        `${name} must be ${wanted(name)}.`,
    ),
  ])
}

// Not the view citus_tables: it asks every node for the sizes of its tables.
const readDistribution = sql`
  select name, logicalrelid is not null as is_distributed, column_to_column_name(logicalrelid, partkey) as key,
    colocationid = (select colocationid from pg_dist_partition where logicalrelid = to_regclass('public.users')) as is_with_users
  from unnest(${Object.keys(distribution)}::text[]) with ordinality as tables (name, place)
    left join pg_dist_partition on logicalrelid = to_regclass('public.' || name)
  order by place`

/** Tables of users are on the node of their owner. */
function isRight({ name, key, isWithUsers }: Table): boolean {
  return key === distribution[name] && (key !== 'owner_id' || isWithUsers)
}

function describe({ name, key, isWithUsers }: Table): string {
  if (key === null) return `${name} on every node`
  return `${name} by ${key}${key === 'owner_id' && !isWithUsers ? ' apart from users' : ''}`
}

function wanted(name: string): string {
  const key = distribution[name]
  return key === null ? 'on every node' : `distributed by ${key}${key === 'owner_id' ? ' together with users' : ''}`
}
