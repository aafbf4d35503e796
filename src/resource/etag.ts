// Replies with ETags, and the conditions on them: RFC 9110, sections 8.8.3 and 13. If-Modified-Since, If-Unmodified-Since and If-Range are
// ignored: no reply has Last-Modified, and no resource has ranges.
import { isAny, namesStrongly, namesWeakly, opaque, tags } from '../contract/entity-tags.ts'
import { Problem } from '../contract/problem.ts'

/** `minute` is the one of the clock, where the representation depends on it too. */
export type Versioned = { revision: number; minute?: number | undefined }
export type Conditional = { 'if-match'?: string; 'if-none-match'?: string }

/** The revisions that a change may meet: one of `match` and none of `except`. Null for any. */
export type Allowed = { match: number[] | null; except: number[] | null }

/** The strong ETag of a revision. The minutes since 1970 have eight digits until the year 2160, so that no two versions are written alike. */
export const etag = (revision: number, minute?: number): string => `"${revision}${minute ?? ''}"`

export const isConditional = (headers: Conditional): boolean => headers['if-match'] !== undefined || headers['if-none-match'] !== undefined

/** Whether If-None-Match is `*`: then no change of a resource that exists is allowed. */
export const mustBeNew = (headers: Conditional): boolean => isAny(headers['if-none-match'])

/** Whether the resource has one of the ETags in If-Match. */
const isMatched = ({ 'if-match': header }: Conditional, { revision, minute }: Versioned): boolean =>
  header === undefined || namesStrongly(header, etag(revision, minute))

/** Whether the resource has none of the ETags in If-None-Match. */
const isNoneMatched = ({ 'if-none-match': header }: Conditional, { revision, minute }: Versioned): boolean =>
  header === undefined || !namesWeakly(header, etag(revision, minute))

/** The conditions as revisions, for a statement that changes a resource. `*` in If-None-Match is not among them: see `mustBeNew`. */
export function allowedRevisions({ 'if-match': ifMatch, 'if-none-match': ifNoneMatch }: Conditional): Allowed {
  return {
    match: ifMatch === undefined || isAny(ifMatch) ? null : tags(ifMatch).flatMap(revisionOf),
    except: ifNoneMatch === undefined || isAny(ifNoneMatch) ? null : tags(ifNoneMatch).map(opaque).flatMap(revisionOf),
  }
}

/** Whether a change may meet this version. */
export const isAllowed = ({ match, except }: Allowed, { revision }: Versioned): boolean =>
  (match === null || match.includes(revision)) && (except === null || !except.includes(revision))

/** A tag that is not written like one of ours names no revision: `"042"` is not `"42"`. */
function revisionOf(tag: string): number[] {
  const revision = Number(tag.slice(1, -1))
  return Number.isSafeInteger(revision) && etag(revision) === tag ? [revision] : []
}

/** Throws 412 if a change must not be made to the resource as it is. */
export function requireAllowed(headers: Conditional, current: Versioned): void {
  if (!isMatched(headers, current) || !isNoneMatched(headers, current)) throw preconditionFailed([current])
}

/** 412, with the current ETag if there is a row. */
export function preconditionFailed([current]: Versioned[]): Problem {
  if (current === undefined) return new Problem('precondition-failed')
  const ETag = etag(current.revision, current.minute)
  return new Problem('precondition-failed', {
    detail: `The current ETag is ${ETag}. Read it again before you change it.`,
    headers: { ETag },
  })
}

/** 200: the resource with its ETag. */
export function okReply<Row extends Versioned>(row: Row) {
  return { status: 200 as const, headers: { ETag: etag(row.revision) }, body: row }
}

/** 304 if If-None-Match names the ETag, undefined for a reply with a body. Throws 412 if If-Match does not name it, which comes first. */
export function unchangedReply(headers: Conditional, current: Versioned) {
  if (!isMatched(headers, current)) throw preconditionFailed([current])
  if (!isNoneMatched(headers, current)) return { status: 304 as const, headers: { ETag: etag(current.revision, current.minute) } }
}

/** The reply to a read of a resource. */
export function readReply<Row extends Versioned>(headers: Conditional, row: Row) {
  return unchangedReply(headers, row) ?? okReply(row)
}

/** The reply to a read of several resources, whose ETag is that of the account. */
export function listReply<Body>(headers: Conditional, { revision, body }: { revision: number; body: Body }, minute?: number) {
  return unchangedReply(headers, { revision, minute }) ?? { status: 200 as const, headers: { ETag: etag(revision, minute) }, body }
}

/** 201: the new resource with its ETag and its path. */
export function createdReply<Row extends Versioned & { id: string }>(row: Row, owner: string, collection: string) {
  // A client would take a dot for a step in the path.
  const name = owner === '.' || owner === '..' ? 'me' : encodeURIComponent(owner)
  const Location = `/v1/users/${name}/${collection}/${row.id}`
  return { status: 201 as const, headers: { ETag: etag(row.revision), Location }, body: row }
}
