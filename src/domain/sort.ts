// The sorts of lists of tasks. Each has an index, so that a list without filters is quick however many tasks there are.
import type { Call } from '../contract/types.ts'
import { flattened, joined, type Part, sql } from '../database/sql.ts'
import { type Position, parseCursor } from '../resource/page.ts'
import type { Scan } from './scan.ts'
import { taskKey } from './sort-key.ts'
import type { Task } from './task.ts'

type Key = string | number | null

/** The sorts that have an index. Relevance has none: see `relevance.ts`. */
export type SortName = Exclude<Call<'listTasks'>['query']['sort'], 'relevance'>
type SortKey = {
  /** the expressions of the index */
  columns: Part[]
  /** the key of a cursor as the columns have it */
  key: (key: Position['key']) => Part
  keyOf: (task: Task) => Key
}
export type Sort = {
  /** `order by` this, ties by id */
  order: Part
  /** the tasks in this order: all, or those after the position of a cursor */
  scans: (after?: Position) => Scan[]
  keyOf: (task: Task) => Key
}

const plain = (key: Position['key']) => sql`${key}`
const createdAt = { columns: [sql`created_at`], key: plain, keyOf: (task: Task) => task.createdAt }
// The order of the last changes: an import can keep an older `updatedAt`.
const updatedAt = { columns: [sql`revision`], key: plain, keyOf: (task: Task) => task.revision }
const priority = { columns: [sql`priority`], key: plain, keyOf: (task: Task) => task.priority }
const title = {
  columns: [sql`left(title, 100) collate "und-x-icu"`],
  key: (key: Position['key']) => sql`left(${key}, 100)`,
  keyOf: (task: Task) => task.title,
}
const sortKey = { columns: [taskKey(sql``)], key: plain, keyOf: (task: Task) => task.sortKey }
const withoutDate = sql`'infinity'::date`
const dueOn = sql`coalesce(due_date, ${withoutDate})`
// By date, and by time within a day. A task without a time is due at the end of its day, so 24:00 stands for it: no task has that time.
const dueDate = {
  columns: [dueOn, sql`coalesce(due_time, '24:00'::time)`],
  key(key: Position['key']) {
    const [date = null, time = null] = key?.split(' ') ?? []
    return sql`coalesce(${date}::date, ${withoutDate}), coalesce(${time}::time, '24:00'::time)`
  },
  keyOf: ({ dueDate, dueTime }: Task) => dueDate && [dueDate, dueTime].join(' ').trimEnd(),
}

export const sorts: Record<SortName, Sort> = {
  createdAt: ascending(createdAt),
  '-createdAt': descending(createdAt),
  updatedAt: ascending(updatedAt),
  '-updatedAt': descending(updatedAt),
  dueDate: ascending(dueDate),
  '-dueDate': datedFirst(descending(dueDate)),
  priority: ascending(priority),
  '-priority': descending(priority),
  title: ascending(title),
  '-title': descending(title),
  sortKey: ascending(sortKey),
  '-sortKey': descending(sortKey),
}

/** The scans of a page. Throws 422 if the cursor is not one of this sort. */
export const scansOf = (name: SortName, cursor?: string): Scan[] =>
  sorts[name].scans(cursor === undefined ? undefined : parseCursor(cursor, cursorName(name)))

/**
 * The sort in a cursor. It has the name of its key, so that no release misreads a cursor of another one: before 0.4.0 there was no time, and
 * before 0.7.0 the order of the last changes was that of the instants.
 */
export function cursorName(name: SortName): string {
  if (name.endsWith('dueDate')) return `${name},dueTime`
  return name.endsWith('updatedAt') ? `${name},revision` : name
}

function ascending(key: SortKey): Sort {
  return sortBy(key, sql`asc`, sql`>`)
}

function descending(key: SortKey): Sort {
  return sortBy(key, sql`desc`, sql`<`)
}

function sortBy({ columns, key, keyOf }: SortKey, direction: Part, comparison: Part): Sort {
  const all = [...columns, sql`id`]
  const order = flattened(
    joined(
      all.map(column => sql`${column} ${direction}`),
      ', ',
    ),
  )
  const scans = (after?: Position): Scan[] => [
    { order, ...(after && { condition: sql`(${joined(all, ', ')}) ${comparison} (${key(after.key)}, ${after.id})` }) },
  ]
  return { order, scans, keyOf }
}

/** Tasks without a due date come last in both directions. The index has them last: read downwards, its two parts change places. */
function datedFirst({ order, scans, keyOf }: Sort): Sort {
  const only = (part: Part, [scan]: Scan[]) => ({ order, condition: joined([part, ...(scan?.condition ? [scan.condition] : [])], ' and ') })
  const dated = (after?: Position) => only(sql`${dueOn} < ${withoutDate}`, scans(after))
  const undated = (after?: Position) => only(sql`${dueOn} = ${withoutDate}`, scans(after))
  return {
    order: flattened(sql`due_date is null, ${order}`),
    scans: after => (after?.key === null ? [undated(after)] : [dated(after), undated()]),
    keyOf,
  }
}
