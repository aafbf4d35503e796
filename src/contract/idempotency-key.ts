// The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07), and what tells requests apart.
import { createHash } from 'node:crypto'
import { hashedId } from './hashed-id.ts'
import { type FieldError, Problem } from './problem.ts'

export type KeyedRequest = { owner: string; operation: string; keyHash: string; requestHash: string }
export type KeptReply = { headers: Record<string, unknown>; body: string | null }
/** `status` and `reply` are null until a request has taken effect. */
export type Stored = { status: number | null; reply: KeptReply | null; isSame: boolean | null }

/** Where replies are stored. */
export type Replies = {
  transaction: <Result>(work: () => Promise<Result>) => Promise<Result>
  /** Makes a row for the key, and resolves with the one that was there. Undefined if the owner has no account, which rows need. */
  claim: (request: KeyedRequest) => Promise<Stored | undefined>
  /** Locks the row until the end of the transaction. Undefined if there is none, or another transaction has locked it. */
  lock: (request: KeyedRequest) => Promise<Stored | undefined>
  /** Removes the row, unless it has a reply or another transaction has locked it. */
  release: (request: KeyedRequest) => Promise<void>
  /** Stores the reply. Resolves with false if another reply is stored, or the owner has no account. */
  keep: (request: KeyedRequest, status: number, reply: KeptReply) => Promise<boolean>
}

/** The key in a header that the schema accepts: a string of RFC 9651, or the same without quotes. */
export function parseKey(header: string): string {
  return header.startsWith('"') ? header.slice(1, -1).replace(/\\(.)/g, '$1') : header
}

/** SHA-256 in hexadecimal of a request as the contract has validated it: the order of properties is no matter, and null is the same as absent. */
export function requestHash(request: unknown): string {
  return digest(JSON.stringify(request, canonical)).toString('hex')
}

/** SHA-256 in hexadecimal. */
export const keyHash = (key: string): string => digest(key).toString('hex')

/** An id that follows from the texts. The same texts give it again, and others do not. */
export const derivedId = (...texts: string[]): string => hashedId(JSON.stringify(texts))

/** 422: the key was used for another request. */
export function keyReused(): Problem {
  return new Problem('invalid-request', {
    detail: 'The Idempotency-Key belongs to another request. Use a new key for each request, and the same one only to repeat it.',
    errors: [keyError('keyReused', 'belongs to another request')],
  })
}

/** 409: what the request has created was deleted since. */
export function createdIsDeleted(): Problem {
  return new Problem('conflict', {
    detail: 'The request was executed before, and what it created has been deleted. Use a new key to create it again.',
    errors: [keyError('deleted', 'has created what is deleted now')],
  })
}

const keyError = (code: FieldError['code'], message: string): FieldError => ({
  pointer: '/idempotency-key',
  location: 'header',
  code,
  message,
})

const digest = (text: string) => createHash('sha256').update(text).digest()

function canonical(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const entries = Object.entries(value).filter(([, each]) => each !== null)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
