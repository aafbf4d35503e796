// The counts of an owner's open tasks.
import type { components } from '../../generated/api.ts'
import type { Database } from '../database/database.ts'
import { constant, identifier, type Part, sql } from '../database/sql.ts'
import { mayUse } from './access.ts'
import { isPast, profileZone, today } from './dates.ts'
import { createRevision } from './revision.ts'

type Summary = components['schemas']['Summary']

const maxLabels = 100

export function createSummary(db: Database) {
  return {
    currentRevision: createRevision(db),

    /** The summary at a minute, with the revision of the account at the same instant; also if there is no account. */
    async read(owner: string, minute: number): Promise<{ revision: number; body: Summary }> {
      const [row] = await db.read<Summary & { asOf: number }>('select summary', summary(owner, minute))
      const { asOf, ...body } = row as Summary & { asOf: number }
      return { revision: asOf, body }
    },
  }
}

/** One scan of the open tasks, which have an index. Only their counts are sorted, not the tasks. */
const summary = (owner: string, minute: number): Part => sql`
  with clock as (
    select coalesce((select revision from users where ${mayUse(sql`id`, sql`${owner}`)}), 0) as as_of,
      ${profileZone(owner)} as time_zone, ${today(owner, minute)} as today),
  task as materialized (
    select item.category_id, item.labels, item.label_names, item.due_date, ${isPast(owner, minute)} as is_past
    from tasks as item
    where ${mayUse(sql`item.owner_id`, sql`${owner}`)} and item.deleted_at is null and not item.completed),
  category as (
    select category_id,
      count(*) as open,
      count(*) filter (where is_past) as overdue,
      count(*) filter (where due_date = today) as due_today,
      count(*) filter (where due_date - today between 1 and 7) as due_next7_days,
      count(*) filter (where due_date is null) as without_date
    from task, clock
    group by category_id),
  label as (${label})
  select as_of, today, time_zone,
    ${sum('open')}, ${sum('overdue')}, ${sum('dueToday')}, ${sum('dueNext7Days')}, ${sum('withoutDate')},
    coalesce((
      select json_agg(json_build_object('categoryId', category_id, 'open', open, 'overdue', overdue) order by category_id)
      from category), '[]') as categories,
    coalesce((
      select json_agg(json_build_object('name', name, 'open', open, 'overdue', overdue) order by open desc, folded collate "C")
      from label), '[]') as labels
  from clock`

const sum = (name: keyof Summary): Part => sql`(select coalesce(sum(${identifier(name)}), 0)::integer from category) as ${identifier(name)}`

/** A task counts once for a label, also if it has the label in several spellings: then its first. */
const label = sql`
  select folded, (array_agg(label order by uses desc, label collate "C"))[1] as name, sum(open) as open, sum(overdue) as overdue
  from (
    select folded, label, count(*) as uses,
      count(*) filter (where is_first) as open,
      count(*) filter (where is_first and is_past) as overdue
    from (
      select each.folded, each.label, each.place = array_position(task.label_names, each.folded) as is_first, task.is_past
      from task
      cross join unnest(task.labels, task.label_names) with ordinality as each (label, folded, place)
      where task.labels <> '{}') as labelled
    group by folded, label) as spelling
  group by folded
  order by open desc, folded collate "C"
  limit ${constant(maxLabels)}`
