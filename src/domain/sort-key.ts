// `sortKey` in statements. A row has a key of its own, or else the server's key, which follows from the row: nothing is read to make it, and
// rows of earlier releases have one too. New tasks store it all the same, because making it for each row took a quarter of a list. Both
// expressions give the same again if the key of their row is the result already, so that a page and the statement around it can show one
// expression.
import { constant, flattened, type Part, sql } from '../database/sql.ts'
import { maxPosition } from './order.ts'

/** Instants as 13 hexadecimal digits, which last until the year 2112. */
const hexInstant = (instant: Part) => sql`lpad(to_hex((extract(epoch from ${instant} at time zone 'UTC') * 1000000)::bigint), 13, '0')`
const creation = (relation: Part) => hexInstant(sql`${relation}created_at`)
const hexadecimal = (position: Part) => sql`'h' || lpad(to_hex(${position}), 8, '0')`

/** The key of a task in a relation such as `item.`: by creation. For fractional indexing, `m` and 13 digits are a number. */
export const taskKey = (relation: Part): Part => flattened(sql`coalesce(${relation}sort_key, 'm' || ${creation(relation)})`)

/** The key that a task gets when it is inserted at this instant. */
export const insertedTaskKey = (key: Part, created: Part): Part => sql`coalesce(${key}, 'm' || ${hexInstant(created)})`

/**
 * The key of a category: by position, and then by creation. A digit follows, because no fraction ends in 0.
 * A key of its own counts only if it fits the position: release 0.5 changes positions and does not know keys.
 */
export function categoryKey(relation: Part): Part {
  const position = sql`${relation}position`
  return flattened(sql`
    case
      when (${position} = 0 or ${relation}sort_key >= ${hexadecimal(position)})
        and (${position} = ${constant(maxPosition)} or ${relation}sort_key < ${hexadecimal(sql`${position} + 1`)}) then ${relation}sort_key
      else ${hexadecimal(position)} || ${creation(relation)} || '1'
    end`)
}
