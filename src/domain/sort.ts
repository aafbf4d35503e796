// The sorts of lists of tasks. Each has an index, so that a list without filters is quick however many tasks there are.
import type { components } from '../../generated/api.ts'
import type { Call } from '../contract/types.ts'
import { flattened, type Part, sql } from '../database/sql.ts'
import { parseCursor } from '../resource/page.ts'

type Task = components['schemas']['Task']
type Key = string | number | null

export type SortName = Call<'listTasks'>['query']['sort']
type SortKey = Pick<Sort, 'column' | 'key' | 'keyOf'>
export type Sort = {
  /** the expression of the index */
  column: Part
  /** `order by` this, ties by id */
  order: Part
  /** compares a row with the position of a cursor */
  after: Part
  /** the key of a cursor as the column has it */
  key: (key: Key) => Part
  keyOf: (task: Task) => Key
}

const createdAt = { column: sql`created_at`, key: (key: Key) => sql`${key}`, keyOf: (task: Task) => task.createdAt }
const updatedAt = { column: sql`updated_at`, key: (key: Key) => sql`${key}`, keyOf: (task: Task) => task.updatedAt }
const priority = { column: sql`priority`, key: (key: Key) => sql`${key}`, keyOf: (task: Task) => task.priority }
const title = {
  column: sql`left(title, 100) collate "und-x-icu"`,
  key: (key: Key) => sql`left(${key}, 100)`,
  keyOf: (task: Task) => task.title,
}
// Tasks without a due date come last in both directions, so the two differ in more than the direction.
const dueDate = {
  column: sql`coalesce(due_date, 'infinity'::date)`,
  key: (key: Key) => sql`coalesce(${key}::date, 'infinity'::date)`,
  keyOf: (task: Task) => task.dueDate,
}
const dueDateDescending = {
  column: sql`coalesce(due_date, '-infinity'::date)`,
  key: (key: Key) => sql`coalesce(${key}::date, '-infinity'::date)`,
  keyOf: (task: Task) => task.dueDate,
}
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
}

/** The condition of a page after a cursor; none for the first page. Throws 422 if the cursor is not one of this sort. */
export function afterCursor(cursor: string | undefined, name: SortName): Part[] {
  if (cursor === undefined) return []
  const { key, id } = parseCursor(cursor, name)
  const sort = sorts[name]
  return [sql`and (${sort.column}, id) ${sort.after} (${sort.key(key)}, ${id})`]
}

function ascending(key: SortKey): Sort {
  return { ...key, order: flattened(sql`${key.column} asc, id asc`), after: sql`>` }
}

function descending(key: SortKey): Sort {
  return { ...key, order: flattened(sql`${key.column} desc, id desc`), after: sql`<` }
}
