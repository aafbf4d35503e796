import { invalid, type Problem } from '../contract/problem.ts'
import { errorCode } from '../database/errors.ts'

/** Where a page begins: after the row with this sort key and id. */
export type Position = { key: string | null; id: string }

export const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export const encodeCursor = (parts: readonly unknown[]): string => Buffer.from(JSON.stringify(parts)).toString('base64url')

/** Throws a SyntaxError for a text that no cursor is. */
export const decodeCursor = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString())

/** The position that a cursor stands for; throws 422 if it is not one of ours for this sort, or has another kind of id. */
export function parseCursor(cursor: string, sort: string, idPattern = uuid): Position {
  try {
    const [ofSort, key, id] = decodeCursor(cursor)
    const isKey = key === null || typeof key === 'string' || typeof key === 'number'
    // As text, so that PostgreSQL judges it whatever its column: the driver doesn't expect a number for a date.
    if (ofSort === sort && isKey && typeof id === 'string' && idPattern.test(id)) return { key: key === null ? null : String(key), id }
  } catch {
    // not even JSON: refused below
  }
  throw invalidCursor()
}

/** Translates the error of a list with a cursor: a forged one can hold a key that no column can (SQLSTATE class 22). */
export function refuseCursor(error: unknown): never {
  throw errorCode(error).startsWith('22') ? invalidCursor() : error
}

export function invalidCursor(message = 'must be the nextCursor of a page with the same sort'): Problem {
  return invalid({ pointer: '/cursor', location: 'query', code: 'cursor', message })
}

/**
 * One page out of up to `limit + 1` rows, and the revision of the account at the same instant.
 * `keyOf` gives the sort key of a row, `id` the name of what decides between equal keys. An account without rows comes as one row without
 * id; no account, as no row.
 */
export function createPage<Row extends object>(
  rows: (Row & { asOf: number })[],
  limit: number,
  sort: string,
  keyOf: (row: Row) => string | number | null,
  id: keyof Row = 'id' as keyof Row,
) {
  const revision = rows[0]?.asOf ?? 0
  const hasMore = rows.length > limit
  if (hasMore) rows.pop()
  if (rows[0]?.[id] === null) rows.pop()
  for (const row of rows as { asOf: number | undefined }[]) row.asOf = undefined // JSON leaves it out; a copy would cost a tenth of the reply
  const last = hasMore ? rows.at(-1) : undefined
  const nextCursor = last === undefined ? null : encodeCursor([sort, keyOf(last), last[id]])
  return { revision, body: { items: rows as Row[], nextCursor } }
}
