// The orders in which tasks can be listed, each in the words of its index.
import type { components } from '../../generated/api.ts'
import type { Call } from '../contract/types.ts'
import { type Part, sql } from '../database/sql.ts'
import { position } from '../resource/page.ts'

type Task = components['schemas']['Task']
type Key = string | number | null

export type Sort = Call<'listTasks'>['query']['sort']
export type Order = { column: Part; direction: Part; beyond: Part; key: (key: Key) => Part; of: (task: Task) => Key }

// What each sort compares: in the words of its index, of a cursor's key, and of a task.
const createdAt = { column: sql`created_at`, key: (key: Key) => sql`${key}`, of: (task: Task) => task.createdAt }
const updatedAt = { column: sql`updated_at`, key: (key: Key) => sql`${key}`, of: (task: Task) => task.updatedAt }
const priority = { column: sql`priority`, key: (key: Key) => sql`${key}`, of: (task: Task) => task.priority }
const title = {
  column: sql`left(title, 100) collate "und-x-icu"`,
  key: (key: Key) => sql`left(${key}, 100)`,
  of: (task: Task) => task.title,
}
// Without a due date comes last in both directions, so the two differ in more than the direction.
const dueDate = {
  column: sql`coalesce(due_date, 'infinity'::date)`,
  key: (key: Key) => sql`coalesce(${key}::date, 'infinity'::date)`,
  of: (task: Task) => task.dueDate,
}
const dueDateDown = {
  column: sql`coalesce(due_date, '-infinity'::date)`,
  key: (key: Key) => sql`coalesce(${key}::date, '-infinity'::date)`,
  of: (task: Task) => task.dueDate,
}
const up = { direction: sql`asc`, beyond: sql`>` }
const down = { direction: sql`desc`, beyond: sql`<` }
export const orders: Record<Sort, Order> = {
  createdAt: { ...createdAt, ...up },
  '-createdAt': { ...createdAt, ...down },
  updatedAt: { ...updatedAt, ...up },
  '-updatedAt': { ...updatedAt, ...down },
  dueDate: { ...dueDate, ...up },
  '-dueDate': { ...dueDateDown, ...down },
  priority: { ...priority, ...up },
  '-priority': { ...priority, ...down },
  title: { ...title, ...up },
  '-title': { ...title, ...down },
}

export const by = ({ column, direction }: Order): Part => sql`${column} ${direction}, id ${direction}`

/** The condition that begins a page after a cursor; none for the first page. Throws 422 where the cursor isn't one of this sort. */
export function beyond(cursor: string | undefined, sort: Sort): Part[] {
  if (cursor === undefined) return []
  const { key, id } = position(cursor, sort)
  const order = orders[sort]
  return [sql`and (${order.column}, id) ${order.beyond} (${order.key(key)}, ${id})`]
}
