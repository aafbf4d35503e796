// What PostgreSQL, the driver and the network say when something fails, and what the caller is told.
import { unavailable } from '../contract/problem.ts'
import { Silence } from './timeout.ts'

/** The connection is gone. If the statement was sent, nobody knows whether it was carried out. */
export class Lost extends Error {
  override name = 'Lost'
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

/** The constraint that an error of PostgreSQL names, without the number that a shard adds; empty where it names none. */
export function violated(error: unknown): string {
  const name = error instanceof Error && 'constraint_name' in error ? String(error.constraint_name) : ''
  return name.replace(/_\d+$/, '')
}

/** The connection is of no more use: silent, cut off behind a proxy, or to a server that has come to only read. */
export function isUseless(error: unknown): boolean {
  return error instanceof Silence || /^(08\w{3}|25006)$/.test(errorCode(error))
}

/** No such user, password or database: trying again would not help. */
export function isTurnedAway(error: unknown): boolean {
  return /^(28\w{3}|3D000)$/.test(errorCode(error))
}

/** Rolled back whole, because of what others did at the same time. */
export function isUndone(error: unknown): boolean {
  return /^(40001|40P01)$/.test(errorCode(error))
}

/** What the caller is told; itself where it is a mistake of the statement. */
export function translate(error: unknown): unknown {
  const code = errorCode(error instanceof Lost ? error.cause : error)
  if (code === '57014') return unavailable('The database took too long for this. Try again later.', error, 5)
  if (isTurnedAway(error)) return unavailable('The database does not let the server in.', error, 5)
  if (/^53/.test(code)) return unavailable('The database has no room left. Try again later.', error, 5)
  // What the kernel refuses has often no code of its own: a quota, a limit to the size of files.
  if (/^(58|XX)/.test(code)) return unavailable('The database can not do this now. Try again later.', error, 5)
  if (error instanceof Lost || isUndone(error)) return unavailable('The database did not answer in time. Try again shortly.', error)
  return error
}
