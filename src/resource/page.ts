import { invalid } from '../contract/problem.ts'
import { errorCode } from '../database/errors.ts'

/** Where a page begins: after the row with this sort key and id. */
export type Position = { key: string | null; id: string }

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The position that a cursor stands for; throws 422 where it isn't one of ours for this sort. */
export function position(cursor: string, sort: string): Position {
  try {
    const [of, key, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    const isKey = key === null || typeof key === 'string' || typeof key === 'number'
    // As text, so that PostgreSQL judges it whatever its column: the driver doesn't expect a number for a date.
    if (of === sort && isKey && typeof id === 'string' && uuid.test(id)) return { key: key === null ? null : String(key), id }
  } catch {
    // not even JSON: said below
  }
  throw badCursor()
}

/** Translates the error of a list with a cursor: one that somebody made up can hold a key that no column can (class 22). */
export function madeUp(error: unknown): never {
  throw errorCode(error).startsWith('22') ? badCursor() : error
}

function badCursor() {
  return invalid({
    pointer: '/cursor',
    location: 'query',
    code: 'cursor',
    message: 'must be the nextCursor of a page with the same sort',
  })
}

/**
 * One page out of up to `limit + 1` rows, and the revision of the account as of the same instant.
 * `key` tells the sort key of a row. An account without such rows comes as one row without id; no account, as no row.
 */
export function page<Row extends { id: string }>(
  rows: (Row & { asOf: number })[],
  limit: number,
  sort: string,
  key: (row: Row) => string | number | null,
) {
  const asOf = rows[0]?.asOf ?? 0
  const more = rows.length > limit
  if (more) rows.pop()
  if (rows[0]?.id === null) rows.pop()
  for (const row of rows as { asOf: number | undefined }[]) row.asOf = undefined // JSON leaves it out, and a copy would cost a tenth of the reply
  const last = more ? rows.at(-1) : undefined
  const nextCursor = last === undefined ? null : Buffer.from(JSON.stringify([sort, key(last), last.id])).toString('base64url')
  return { asOf, body: { items: rows as Row[], nextCursor } }
}
