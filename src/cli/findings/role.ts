// The doctor's check of the role of the server: it may change all rows, and must not change the schema.
import type { Database } from '../../database/database.ts'
import { sql } from '../../database/sql.ts'
import { type Finding, finding } from './finding.ts'

type Facts = { role: string; createsTables: boolean; isReadOnly: boolean; lacks: string[] }

// As in db/roles.sql.
const privileges = ['select', 'insert', 'update', 'delete']
const tables = ['users', 'categories', 'tasks', 'calendars', 'webhooks', 'webhook_deliveries', 'idempotency_keys', 'rate_limits']

/** A table that is missing is a matter of migrations. */
export async function roleFinding(db: Database, production: boolean): Promise<Finding> {
  const [{ role, createsTables, isReadOnly, lacks }] = (await db.read<Facts>(
    'select role',
    sql`
    select quote_ident(current_user) as role, has_schema_privilege('public', 'create') as creates_tables,
      current_setting('transaction_read_only') = 'on' as is_read_only,
      array(
        select string_agg(privilege, ', ' order by rank) || ' on ' || name
        from unnest(${tables}::text[]) with ordinality as tables (name, place),
          unnest(${privileges}::text[]) with ordinality as privileges (privilege, rank)
        where not has_table_privilege(to_regclass('public.' || name), privilege)
        group by name, place
        order by place) as lacks`,
  )) as [Facts]
  const state = [
    createsTables ? 'can change the schema' : "can't change the schema",
    ...lacks.map(each => `lacks ${each}`),
    ...(isReadOnly ? ['is read-only'] : []),
  ]
  const remedies = [
    ...(production && createsTables ? ['Give the server a role of its own: see db/roles.sql.'] : []),
    ...(lacks.length > 0 ? [`As the owner of the tables: grant ${privileges.join(', ')} on ${tables.join(', ')} to ${role};`] : []),
    ...(isReadOnly
      ? [`Name the primary, free a full disk of the database, or: alter role ${role} reset default_transaction_read_only;`]
      : []),
  ]
  return finding('role', state.join(', '), remedies)
}
