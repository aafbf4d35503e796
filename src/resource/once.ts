// Requests with an Idempotency-Key that create one row. They need no stored reply: the id of the row follows from the key, and the row keeps
// the hash of the request.
import { createdIsDeleted, keyReused } from '../contract/idempotency-key.ts'
import { Problem } from '../contract/problem.ts'

export type Keyed = { 'idempotency-key'?: string }

/** The row of a key, which another request under its id may have made. */
export type Made<Row> = Row & { isSame: boolean | null | undefined; isDeleted: boolean | undefined }

/** The condition on a request that it is the first with its key. */
export type Once = {
  requestHash: string
  /** Throws if the row of the key is there. */
  requireNew: () => Promise<void>
}

type Reply = { headers: Record<string, unknown> }

/**
 * Resolves with the reply of `make`, or with that of `replay` if the row of the key is there: it resolves with none if not. Also where
 * `make` is refused because of what has changed since the first request, such as the name that the row itself now has.
 */
export async function createOnce<Made extends Reply>(
  requestHash: string,
  make: (once: Once) => Promise<Made>,
  replay: () => Promise<Made[]>,
): Promise<Made> {
  let replayed: Made[] | undefined
  async function requireNew() {
    replayed = await replay()
    if (replayed.length > 0) throw new Problem('conflict')
  }
  try {
    return await make({ requestHash, requireNew })
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500) throw error
    const [reply] = replayed?.length ? replayed : await replay()
    if (reply === undefined) throw error
    return { ...reply, headers: { ...reply.headers, 'Idempotency-Replayed': 'true' } }
  }
}

/** The row that the same request has made. Throws 422 if it was another request, and 409 if the row is deleted. */
export function madeRow<Row>(row: Made<Row>): Row {
  if (row.isSame !== true) throw keyReused()
  if (row.isDeleted) throw createdIsDeleted()
  return Object.assign(row, { isSame: undefined, isDeleted: undefined }) // JSON leaves them out
}
