// Fills an empty, migrated database with realistic accounts. Uses SQL only.
import type postgres from 'postgres'

export type Size = {
  accounts: number
  /** in each account */
  tasks: number
  /** number of the first account, so that one database can hold accounts of several sizes */
  first?: number
}

export const defaultSize: Size = { accounts: 1_000, tasks: 200 }
export const large: Size = { accounts: 10_000, tasks: 100 }

const maxCategories = 5 // in each account
const words = [
  ...['ferry', 'tickets', 'plants', 'bicycle', 'dentist', 'invoice', 'garden', 'letter', 'kitchen', 'passport'],
  ...['report', 'mother', 'school', 'window', 'coffee', 'library', 'train', 'winter', 'printer', 'holiday'],
  ...['budget', 'shoes', 'meeting', 'bread', 'battery', 'present', 'doctor', 'music', 'paint', 'laundry'],
  ...['insurance', 'neighbour', 'cinema', 'receipt', 'football', 'medicine', 'lamp', 'market', 'visit', 'translation'],
]

/** `common` is in about one task of nine. `rare` is in exactly ten tasks of each account, or in all if there are fewer. */
export const common = 'ferry'
export const rare = 'sauna'
export const absent = 'volcano'
/** The first task of an account has these below it, or as many as there are. */
const below = 10

/**
 * Adds accounts. Rows are inserted in order of time, not of account, as in production: the tasks of one account are scattered
 * over the table. Indexes are created afterwards, which takes a fraction of the time.
 */
export async function seed(sql: postgres.Sql, { accounts, tasks, first = 1 }: Size): Promise<void> {
  const last = first + accounts - 1
  const categories = Math.min(maxCategories, tasks)
  const session = await sql.reserve()
  await session`begin`
  await session`set local session_replication_role = replica` // skips the trigger that checks each foreign key
  const indexes = await session<{ name: string; definition: string }[]>`
    select indexname as name, indexdef as definition
    from pg_indexes
    where tablename = 'tasks' and indexname <> 'tasks_pkey'`
  for (const { name } of indexes) await session`drop index ${session(name)}`

  await session`
    insert into users (id, email, name, revision, profile_revision)
    select 'user-' || account, 'user-' || account || '@example.com', 'User ' || account, ${tasks + categories}::int, 1
    from generate_series(${first}::int, ${last}::int) as account`
  await session`
    insert into categories (owner_id, id, name, color, position, revision)
    select 'user-' || account, md5(account || '/' || n)::uuid, 'Category ' || n, '#1971c2', n, n
    from generate_series(${first}::int, ${last}::int) as account, generate_series(1, ${categories}::int) as n`
  await session`
    insert into tasks (owner_id, id, parent_id, depth, sort_key, category_id, title, description, completed_at, priority,
      due_date, due_time, start_date, deadline_date, duration_minutes, time_zone, labels, revision, created_at, updated_at)
    select 'user-' || account,
      ${id(sql`n`, sql`at`)},
      case when is_below then ${id(sql`1`, sql`first_at`)} end,
      is_below::int,
      'm' || lpad(to_hex((extract(epoch from at) * 1000000)::bigint), 13, '0'),
      case when is_below or n % 3 > 0 then md5(account || '/' || (1 + case when is_below then 1 else n end % ${categories}::int))::uuid end,
      initcap(${word(1)}) || ' ' || ${word(2)} || ' ' || ${word(3)} || ' ' || ${word(4)}
        || case when n % greatest(${tasks}::int / 10, 1) = 0 then ${` ${rare}`} else '' end,
      case when n % 3 = 0 then 'About the ' || ${word(5)} || ' and the ' || ${word(6)} || ', before it is too late.' end,
      case when n % 4 = 0 then at + interval '1 day' end,
      (array['none', 'low', 'medium', 'high'])[1 + n % 4]::task_priority,
      case when n % 2 = 0 then date '2027-01-01' + n % 90 end,
      case when n % 6 = 0 then time '18:30' end,
      case when n % 8 = 0 then date '2026-12-15' + n % 90 end,
      case when n % 10 = 0 then date '2027-01-15' + n % 90 end,
      case when n % 4 = 1 then 15 * (1 + n % 8) end,
      case when n % 6 = 0 then 'Europe/Helsinki' end,
      case when n % 5 = 0 then array['errand', 'travel'] when n % 5 = 1 then array['home'] else '{}' end,
      ${categories}::int + n, at, at
    from generate_series(1, ${tasks}::int) as n,
      generate_series(${first}::int, ${last}::int) as account,
      lateral (select timestamptz '2024-01-01' + interval '900.000123 s' + account * interval '13 ms') as time (first_at),
      lateral (select first_at + (n - 1) * interval '900.000123 s', n between 2 and ${1 + below}::int) as task (at, is_below)
    order by n, account`

  for (const { definition } of indexes) await session.unsafe(definition)
  await session`commit`
  session.release()
  await sql`analyze`

  /** The id of the nth task, laid out as UUIDv7, so that ids grow with time. */
  function id(n: postgres.Fragment, at: postgres.Fragment) {
    return sql`(lpad(to_hex((extract(epoch from ${at}) * 1000)::bigint), 12, '0')
      || '7' || lpad(to_hex(${n} % 4096), 3, '0') || '8' || left(md5(account || '/' || ${n}), 15))::uuid`
  }

  /** A pseudorandom word that is the same in every run. */
  function word(place: number) {
    return sql`(${sql.array(words)}::text[])[1 + (hashint8(account * 1000003::bigint + n * 64 + ${place}::int) & 2147483647) % ${words.length}::int]`
  }
}
