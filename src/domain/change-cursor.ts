// The cursors of the list of changes. A client keeps one for as long as it likes, so it also says which history of which account it is of.
import { Problem } from '../contract/problem.ts'
import { decodeCursor, encodeCursor, invalidCursor, uuid } from '../resource/page.ts'
import { type Account, endOf, isComplete, isEnd, kinds, type Position } from './changes.ts'

/** `floor` is the revision at which the snapshot began: a client has no row that was deleted before. */
export type Cursor = { epoch: string; position: Position; floor: number }

const name = 'changes'

/** Of a client that has nothing, because there was no account. */
export const emptyCursor = encodeCursor([name])

/** In the middle of a revision, a cursor also has the last row. */
export function writeCursor({ epoch, position: { revision, kind, id }, floor }: Cursor): string {
  return encodeCursor([name, epoch, floor, revision, ...(isEnd({ revision, kind, id }) ? [] : kind === 'user' ? [kind] : [kind, id])])
}

/** Where a page begins; the snapshot without a cursor. Throws 410 if the account can't tell any more what has changed since. */
export function startOfPage(text: string | undefined, account: Account | undefined): Cursor | undefined {
  const cursor = text === undefined || text === emptyCursor ? undefined : readCursor(text)
  if (cursor === undefined) return account && { epoch: account.epoch, position: endOf(0), floor: account.revision }
  if (account !== undefined && isCurrent(cursor, account)) return cursor
  throw new Problem('cursor-expired', { headers: { Link: '<changes>; rel="first"' } })
}

/** A position ahead of the account is from before the database was restored. */
function isCurrent({ epoch, position, floor }: Cursor, account: Account): boolean {
  return epoch === account.epoch && Math.max(position.revision, floor) <= account.revision && isComplete(account, position, floor)
}

/** Throws 422 if it is not one of ours. */
function readCursor(text: string): Cursor {
  try {
    const [list, epoch, floor, revision, kind, id] = decodeCursor(text)
    const isOurs = list === name && typeof epoch === 'string' && isRevision(floor) && isRevision(revision)
    if (isOurs && kind === undefined) return { epoch, floor, position: endOf(revision) }
    if (isOurs && kind === 'user') return { epoch, floor, position: { revision, kind, id: '' } }
    if (isOurs && kinds.includes(kind) && typeof id === 'string' && uuid.test(id)) return { epoch, floor, position: { revision, kind, id } }
  } catch {
    // not even JSON: refused below
  }
  throw invalidCursor('must be a nextCursor of this list')
}

const isRevision = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
