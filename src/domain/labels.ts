// The labels of an owner's tasks. They have no table: a label is what the live tasks have in common, compared by `tasks.label_names`.
import type { components } from '../../generated/api.ts'
import type { Call } from '../contract/types.ts'
import { noCallers } from '../database/batched-writes.ts'
import type { Database } from '../database/database.ts'
import { type Part, sql } from '../database/sql.ts'
import type { Allowed } from '../resource/etag.ts'
import { createPage, parseCursor, refuseCursor } from '../resource/page.ts'
import { mayUse } from './access.ts'
import { bumpRevision, createRevision, settled, snapshotIsCurrent, withRevision } from './revision.ts'
import { inRevision } from './rows.ts'

type Label = components['schemas']['Label']
/** `id` is the folded name, and `asOf` the revision of the account at the same instant. */
type Row = Label & { id: string; asOf: number }
export type VersionedLabel = { revision: number; label: Label }
/** Throws if the change must not be made. It is called when a change met no row. */
type Check = () => Promise<unknown>

const maxAttempts = 10
const sort = 'label'
const anyText = /^/
const columns = sql`item.id, item.name, item.open_tasks, item.total_tasks`
// The folded name never changes, while the spelling of a label may: so no label is on two pages.
const order = sql`id collate "und-x-icu"`

export function createLabels(db: Database) {
  return {
    currentRevision: createRevision(db),

    /** A page of the labels, with the revision of the account at the same instant. */
    async list(owner: string, { limit, cursor }: Call<'listLabels'>['query']) {
      const after = cursor === undefined ? sql`` : sql`where ${order} > ${parseCursor(cursor, sort, anyText).id}`
      const labels = sql`(
        select id, name, open_tasks, total_tasks
        from (${counted(ownTasks(owner, sql`true`), sql`true`)}) as label
        ${after}
        order by ${order}
        limit ${limit + 1}) as item`
      const found = await db
        .read<Row>('select labels', sql`${withRevision(sql`${owner}`, columns, labels)} order by ${order}`)
        .catch(cursor === undefined ? undefined : refuseCursor)
      const { revision, body } = createPage(found, limit, sort, () => null)
      return { revision, body: { ...body, items: body.items.map(labelOf) } }
    },

    /** Resolves with the label, if a task has it. */
    async one(owner: string, label: string): Promise<VersionedLabel[]> {
      const name = sql`(select folded(${label}))`
      const item = sql`(${counted(ownTasks(owner, sql`${name} = any(t.label_names)`), sql`each.folded = ${name}`)}) as item`
      const rows = await db.read<Row>('select label', withRevision(sql`${owner}`, columns, item))
      return rows.filter(({ id }) => id !== null).map(versioned)
    },

    /** Renames the label in every task that has it. Resolves with the label as it is then. */
    async rename(owner: string, label: string, name: string, allowed: Allowed, check: Check): Promise<VersionedLabel> {
      const others = ownTasks(owner, sql`(select new from names) = any(t.label_names) and (select old from names) <> all(t.label_names)`)
      const after = sql`(select labels, label_names, completed from relabelled union all ${others})`
      const row = await repeated(check, () =>
        db.write<Row>(
          'update label',
          sql`
            with names as (select folded(${label}) as old, folded(${name}) as new),
            ${relabel(owner, allowed, renamed(name))}
            select change.next as as_of, ${columns}
            from change, (${counted(after, sql`each.folded = (select new from names)`)}) as item`,
        ),
      )
      return versioned(row)
    },

    /** Removes the label from every task that has it. */
    async remove(owner: string, label: string, allowed: Allowed, check: Check): Promise<void> {
      await repeated(check, () =>
        db.write(
          'delete label',
          sql`
            with names as (select folded(${label}) as old),
            ${relabel(owner, allowed, removed)}
            select next
            from change`,
        ),
      )
    },
  }
}

/** Repeats a change that met no row, unless `check` throws the reason: then its snapshot was not current. */
const repeated = <Changed>(check: Check, change: () => Promise<Changed[]>): Promise<Changed> =>
  settled(maxAttempts, async () => {
    const [row] = await change()
    if (row === undefined) await check()
    return row
  })

/**
 * The CTEs of a change of every task that has the label `old` of the CTE `names`: `labelled`, with their ids; `change`, which is empty if
 * there are none; and `relabelled`, with the changed tasks. PostgreSQL would look for one such task through the whole table if `change`
 * asked for it without `labelled`, because it expects to meet one soon.
 */
function relabel(owner: string, { match, except }: Allowed, labels: Part): Part {
  const allowed = inRevision(sql`u.revision`, { match: sql`${match}::bigint[]`, except: sql`${except}::bigint[]` })
  const condition = sql`exists (select from labelled) and ${snapshotIsCurrent(sql`${owner}`)} ${allowed}`
  return sql`
    labelled as (
      select t.id
      from tasks as t
      where ${mayUse(sql`t.owner_id`, sql`${owner}`)} and t.deleted_at is null and (select old from names) = any(t.label_names)),
    ${bumpRevision({ owner: sql`${owner}` }, noCallers, condition)},
    relabelled as (
      update tasks as t
      set labels = ${labels}, revision = change.next, updated_at = now()
      from change, names, labelled
      where ${mayUse(sql`t.owner_id`, sql`${owner}`)} and t.deleted_at is null and t.id = labelled.id
      returning t.labels, t.label_names, t.completed)`
}

/** The labels of `t` with `name` in place of the first that is like the old or the new name, and without the others that are. */
function renamed(name: string): Part {
  const first = sql`least(array_position(t.label_names, names.old), array_position(t.label_names, names.new))`
  return sql`array(
    select case each.place when ${first} then ${name} else each.label end
    from unnest(t.labels, t.label_names) with ordinality as each (label, folded, place)
    where each.place = ${first} or each.folded not in (names.old, names.new)
    order by each.place)`
}

/** The labels of `t` without those that are like the old name. */
const removed = sql`array(
  select each.label
  from unnest(t.labels, t.label_names) with ordinality as each (label, folded, place)
  where each.folded <> names.old
  order by each.place)`

/** What `counted` needs of the owner's live tasks `t`. */
const ownTasks = (owner: string, condition: Part): Part => sql`
  (select t.labels, t.label_names, t.completed
    from tasks as t
    where ${mayUse(sql`t.owner_id`, sql`${owner}`)} and t.deleted_at is null and ${condition})`

/** The labels `each` of tasks that fit a condition. A task counts once, also if it has a label in several spellings. */
const counted = (tasks: Part, condition: Part): Part => sql`
  select folded as id, (array_agg(label order by uses desc, label collate "C"))[1] as name,
    sum(open)::integer as open_tasks, sum(total)::integer as total_tasks
  from (
    select each.folded, each.label, count(*) as uses,
      count(*) filter (where each.place = array_position(t.label_names, each.folded)) as total,
      count(*) filter (where each.place = array_position(t.label_names, each.folded) and not t.completed) as open
    from ${tasks} as t
    cross join unnest(t.labels, t.label_names) with ordinality as each (label, folded, place)
    where ${condition}
    group by each.folded, each.label) as spelling
  group by folded`

const labelOf = ({ name, openTasks, totalTasks }: Label): Label => ({ name, openTasks, totalTasks })
const versioned = (row: Row): VersionedLabel => ({ revision: row.asOf, label: labelOf(row) })
