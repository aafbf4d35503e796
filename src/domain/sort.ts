// The sorts of lists of tasks. Each has an index, so that a list without filters is quick however many tasks there are.
import type { components } from '../../generated/api.ts'
import type { Call } from '../contract/types.ts'
import { flattened, joined, type Part, sql } from '../database/sql.ts'
import { type Position, parseCursor } from '../resource/page.ts'
import { taskKey } from './sort-key.ts'

type Task = components['schemas']['Task']
type Key = string | number | null

/** The sorts that have an index. Relevance has none: see `relevance.ts`. */
export type SortName = Exclude<Call<'listTasks'>['query']['sort'], 'relevance'>
type SortKey = Pick<Sort, 'columns' | 'key' | 'keyOf'>
export type Sort = {
  /** the expressions of the index */
  columns: Part[]
  /** `order by` this, ties by id */
  order: Part
  /** compares a row with the position of a cursor */
  after: Part
  /** the key of a cursor as the columns have it */
  key: (key: Position['key']) => Part
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
// Tasks without a due date come last in both directions, so the two differ in more than the direction.
const dueDate = dueOn(sql`'infinity'::date`)
const dueDateDescending = dueOn(sql`'-infinity'::date`)

export const sorts: Record<SortName, Sort> = {
  createdAt: ascending(createdAt),
  '-createdAt': descending(createdAt),
  updatedAt: ascending(updatedAt),
  '-updatedAt': descending(updatedAt),
  dueDate: ascending(dueDate),
  '-dueDate': descending(dueDateDescending),
  priority: ascending(priority),
  '-priority': descending(priority),
  title: ascending(title),
  '-title': descending(title),
  sortKey: ascending(sortKey),
  '-sortKey': descending(sortKey),
}

/** The condition of a page after a cursor; none for the first page. Throws 422 if the cursor is not one of this sort. */
export function afterCursor(cursor: string | undefined, name: SortName): Part[] {
  if (cursor === undefined) return []
  const { key, id } = parseCursor(cursor, cursorName(name))
  const sort = sorts[name]
  return [sql`and (${joined(sort.columns, ', ')}, id) ${sort.after} (${sort.key(key)}, ${id})`]
}

/**
 * The sort in a cursor. It has the name of its key, so that no release misreads a cursor of another one: before 0.4.0 there was no time, and
 * before 0.7.0 the order of the last changes was that of the instants.
 */
export function cursorName(name: SortName): string {
  if (name.endsWith('dueDate')) return `${name},dueTime`
  return name.endsWith('updatedAt') ? `${name},revision` : name
}

/** By date, and by time within a day. A task without a time is due at the end of its day, so 24:00 stands for it: no task has that time. */
function dueOn(withoutDate: Part): SortKey {
  return {
    columns: [sql`coalesce(due_date, ${withoutDate})`, sql`coalesce(due_time, '24:00'::time)`],
    key(key) {
      const [date = null, time = null] = key?.split(' ') ?? []
      return sql`coalesce(${date}::date, ${withoutDate}), coalesce(${time}::time, '24:00'::time)`
    },
    keyOf: ({ dueDate, dueTime }) => dueDate && [dueDate, dueTime].join(' ').trimEnd(),
  }
}

function ascending(key: SortKey): Sort {
  return { ...key, order: ordered(key, sql`asc`), after: sql`>` }
}

function descending(key: SortKey): Sort {
  return { ...key, order: ordered(key, sql`desc`), after: sql`<` }
}

function ordered({ columns }: SortKey, direction: Part): Part {
  const all = [...columns, sql`id`].map(column => sql`${column} ${direction}`)
  return flattened(joined(all, ', '))
}
