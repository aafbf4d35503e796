// Tables with the same rows and columns as those of the product, and with no more than the workloads need: two indexes instead of those of
// every sort, filter and search, no checks, no foreign keys and no search words. So the difference between two targets is their price.
import type postgres from 'postgres'

/** The targets that use these tables find them with this search path. */
export const leanPath = 'lean, public'

/** Adds the tables to a seeded database. */
export async function addLeanTables(sql: postgres.Sql): Promise<void> {
  await sql.begin(async session => {
    await session`create schema lean`
    await session`create table lean.users (like public.users including defaults)`
    await session`create table lean.tasks (like public.tasks including defaults including generated)`
    await session`alter table lean.tasks drop column words, drop column label_names, drop column category_live`
    await session`insert into lean.users select * from public.users`
    const [{ names }] = await session<[{ names: string[] }]>`
      select array_agg(column_name::text) as names
      from information_schema.columns
      where table_schema = 'lean' and table_name = 'tasks' and is_generated = 'NEVER'`
    await session`insert into lean.tasks (${session(names)}) select ${session(names)} from public.tasks order by created_at`
    await session`alter table lean.users add primary key (id)`
    await session`alter table lean.tasks add primary key (owner_id, id)`
    await session`create index on lean.tasks (owner_id, created_at, id) where deleted_at is null`
  })
  await sql`analyze`
}
