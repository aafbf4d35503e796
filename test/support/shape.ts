import type postgres from 'postgres'

/** The structure of a database, one line for each part, from its catalog: the same in each version of PostgreSQL. */
export async function shape(sql: postgres.Sql): Promise<string[]> {
  // PostgreSQL 18 was the first to list `not null` as a constraint. The line of the column has it.
  const rows = await sql<{ line: string }[]>`
    select format('column %s.%s %s %s %s %s %s', table_name, column_name, data_type, udt_name, collation_name, is_nullable,
      coalesce(column_default, generation_expression)) as line
    from information_schema.columns where table_schema = 'public'
    union all select format('constraint %s on %s: %s', conname, conrelid::regclass, pg_get_constraintdef(oid))
    from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n'
    union all select indexdef from pg_indexes where schemaname = 'public'
    union all select format('function %s: %s', oid::regprocedure, pg_get_functiondef(oid))
    from pg_proc
    where pronamespace = 'public'::regnamespace and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
    union all select format('type %s: %s', enumtypid::regtype, string_agg(enumlabel, ' ' order by enumsortorder))
    from pg_enum group by enumtypid
    union all select format('extension %s', extname) from pg_extension where extname <> 'plpgsql'
    union all select format('version %s', version) from schema_migrations
    order by line`
  return rows.map(({ line }) => line)
}
