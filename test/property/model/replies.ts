// What the model expects of a reply: status and ETag, and the reasons of a refusal. Conditions are those of RFC 9110.
import type { Copy } from './occurrences.ts'
import type { AnyRow } from './state.ts'

export type Tag = 'current' | 'stale' | 'future' | 'weak' | 'several' | 'any' | 'nonsense'
export type Conditions = { ifMatch?: Tag | undefined; ifNoneMatch?: Tag | undefined }
export type Reason = { status: 409 | 422; pointer: string; code: string }
export type Expected = {
  status: number
  /** null: there is none */
  etag: string | null
  /** The fields of the reply. A field that is undefined is copied from it. */
  row?: AnyRow
  /** The reply without anything to copy. */
  body?: object
  /** The tasks that the request made beside the one of the reply. Their ids are read from its `nextOccurrenceId`. */
  copies?: Copy[]
  /** Of several reasons for a refusal, the reply may give any. */
  reasons?: Reason[]
}
type Versioned = { revision: number }

export const etag = (revision: number): string => `"${revision}"`

/** The header that a tag stands for, for a resource at that revision. */
export function header(tag: Tag, revision: number): string {
  const now = etag(revision)
  if (tag === 'stale') return etag(revision - 1)
  if (tag === 'future') return etag(revision + 1)
  return { current: now, weak: `W/${now}`, several: `"x",W/"0" , ${now}`, any: '*', nonsense: `"99999999999999999999", "0${revision}"` }[
    tag
  ]
}

const matches = (tag: Tag) => tag === 'current' || tag === 'several' || tag === 'any'
const isUnchanged = (tag: Tag | undefined) => tag === 'weak' || (tag !== undefined && matches(tag))

/** Whether the conditions refuse a change of a resource that exists. */
export const forbids = ({ ifMatch, ifNoneMatch }: Conditions): boolean =>
  (ifMatch !== undefined && !matches(ifMatch)) || isUnchanged(ifNoneMatch)

export const shown = (status: 200 | 201, row: AnyRow): Expected => ({ status, etag: etag(row.revision), row })
export const done: Expected = { status: 204, etag: null }
export const missing: Expected = { status: 404, etag: null }
export const invalid: Expected = { status: 422, etag: null }
export const refused = (reasons: Reason[]): Expected => ({ status: (reasons[0] as Reason).status, etag: null, reasons })
/** The condition failed: the resource has another version, or there is none. */
export const changed = (current: Versioned | undefined): Expected => ({
  status: 412,
  etag: current === undefined ? null : etag(current.revision),
})

/** The reply to a read, which is `found` if the conditions want one. */
export function read({ revision }: Versioned, { ifMatch, ifNoneMatch }: Conditions, found: Expected): Expected {
  if (ifMatch !== undefined && !matches(ifMatch)) return changed({ revision })
  return isUnchanged(ifNoneMatch) ? { status: 304, etag: etag(revision) } : found
}
