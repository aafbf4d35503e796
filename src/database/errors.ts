// The errors of PostgreSQL, of the driver and of the network, and the problem that a caller gets for each.
import { unavailable } from '../contract/problem.ts'
import { WrongSetting } from './session.ts'
import { TimeoutError } from './timeout.ts'

/** The connection is lost. If the statement was sent, it is unknown whether it was carried out. */
export class ConnectionLost extends Error {
  override name = 'ConnectionLost'
  readonly sent: boolean

  constructor(cause: unknown, sent: boolean) {
    super(sent ? 'no answer from the database' : 'no connection to the database', { cause })
    this.sent = sent
  }
}

/** The SQLSTATE of an error of PostgreSQL, or the code of the driver or the network. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/**
 * Whether PostgreSQL refuses the statement because of this constraint. Citus names it in the message alone, with the number of a shard.
 * Every language has the name as it is. Values of users are in the detail of these errors (class 23), never in the message.
 */
export function violates(error: unknown, constraint: string): boolean {
  if (!(error instanceof Error) || !errorCode(error).startsWith('23')) return false
  const name = 'constraint_name' in error ? String(error.constraint_name ?? '') : ''
  const names = name === '' ? (error.message.match(/[\p{L}\p{N}_$]+/gu) ?? []) : [name]
  return names.some(each => each === constraint || each.replace(/_\d+$/, '') === constraint)
}

/** The connection can't be used again: silent, cut by a proxy, or to a server that has become read-only. */
export function isConnectionUnusable(error: unknown): boolean {
  return error instanceof TimeoutError || error instanceof WrongSetting || /^(08\w{3}|25006)$/.test(errorCode(error))
}

/** The user, password or database is wrong: a retry would not help. */
export function isAccessRefused(error: unknown): boolean {
  return /^(28\w{3}|3D000)$/.test(errorCode(error))
}

/** The database does not support the statement. A prepared plan that a migration has outdated has the same code (`RevalidateCachedQuery`). */
export function isUnsupported(error: unknown): boolean {
  return errorCode(error) === '0A000' && (error as { routine?: string }).routine !== 'RevalidateCachedQuery'
}

/** Rolled back whole, because of other transactions: serialization failure or deadlock. */
export function isRolledBack(error: unknown): boolean {
  return /^(40001|40P01)$/.test(errorCode(error))
}

/** The problem that the caller gets; the error itself if it is a bug in the statement. */
export function toProblem(error: unknown): unknown {
  const code = errorCode(error instanceof ConnectionLost ? error.cause : error)
  if (error instanceof WrongSetting)
    return unavailable('A setting of the database is not the one that the server needs. Run: npm run doctor', error, 5)
  // Cancelled by the timeout of a statement, of a lock or of a transaction; the last two only through a pooler, whose role has them.
  if (/^(57014|55P03|25P04)$/.test(code)) return unavailable('The database took too long for this. Try again later.', error, 5)
  if (code === '42P01') return unavailable('The tables of the database are missing. Run: npm run migrate', error, 5)
  if (code === '42501') return unavailable('The role of the server lacks a permission. Run: npm run doctor', error, 5)
  if (isAccessRefused(error)) return unavailable('The database refuses the connection of the server.', error, 5)
  if (/^53/.test(code)) return unavailable('The database is out of resources. Try again later.', error, 5)
  // A refusal of the kernel often has no code of its own: a quota, a limit on the size of files.
  if (/^(58|XX)/.test(code)) return unavailable('The database cannot do this now. Try again later.', error, 5)
  if (error instanceof ConnectionLost || isRolledBack(error))
    return unavailable('The database did not answer in time. Try again shortly.', error)
  return error
}
