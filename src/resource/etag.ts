// Replies with ETags, and the conditions on them: RFC 9110, sections 8.8.3 and 13.
import { found, Problem } from '../contract/problem.ts'

export type Versioned = { revision: number }
export type Conditional = { 'if-match'?: string; 'if-none-match'?: string }

/** The strong ETag of a revision. */
export const etag = (revision: number): string => `"${revision}"`

/** Whether If-None-Match names the revision (weak comparison). */
export function isUnchanged(ifNoneMatch: string | undefined, revision: number): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.trim() === '*' || tags(ifNoneMatch).some(tag => tag.replace(/^W\//, '') === etag(revision))
}

/** The revisions that If-Match names (strong comparison); null for any. A tag that can't be one of ours matches nothing. */
export function matchRevisions(ifMatch: string | undefined): number[] | null {
  if (ifMatch === undefined || ifMatch.trim() === '*') return null
  return tags(ifMatch)
    .filter(tag => /^"\d{1,15}"$/.test(tag))
    .map(tag => Number(tag.slice(1, -1)))
}

/** Throws 412 unless the current revision is one of those that If-Match named. */
export function requireMatch(match: number[] | null, { revision }: Versioned): void {
  if (match !== null && !match.includes(revision)) throw preconditionFailed([{ revision }])
}

/** Throws the reason why a change found no row: 404, or 412 if If-Match named another revision than the current one. */
export async function throwMiss(match: number[] | null, current: () => Promise<Versioned[]>): Promise<never> {
  if (match === null) throw new Problem('not-found')
  throw preconditionFailed([found(await current())])
}

/** 412, with the current ETag if there is a row. */
export function preconditionFailed([current]: Versioned[]): Problem {
  if (current === undefined) return new Problem('precondition-failed')
  const ETag = etag(current.revision)
  return new Problem('precondition-failed', {
    detail: `The current ETag is ${ETag}. Read it again before you change it.`,
    headers: { ETag },
  })
}

/** 200: the resource with its ETag. */
export function okReply<Row extends Versioned>(row: Row) {
  return { status: 200 as const, headers: { ETag: etag(row.revision) }, body: row }
}

/** 200, or 304 if If-None-Match names the ETag. */
export function conditionalReply<Row extends Versioned>(row: Row, ifNoneMatch: string | undefined) {
  return isUnchanged(ifNoneMatch, row.revision) ? notModifiedReply(row.revision) : okReply(row)
}

/** 304 if If-None-Match names the current revision, which is read only for that; else the reply. */
export async function unlessUnchanged<Reply>(
  ifNoneMatch: string | undefined,
  currentRevision: () => Promise<number>,
  reply: () => Promise<Reply>,
) {
  if (ifNoneMatch === undefined) return reply()
  const revision = await currentRevision()
  return isUnchanged(ifNoneMatch, revision) ? notModifiedReply(revision) : reply()
}

function notModifiedReply(revision: number) {
  return { status: 304 as const, headers: { ETag: etag(revision) } }
}

/** 201: the new resource with its ETag and its path. */
export function createdReply<Row extends Versioned & { id: string }>(row: Row, owner: string, collection: string) {
  // A client would take a dot for a step in the path.
  const name = owner === '.' || owner === '..' ? 'me' : encodeURIComponent(owner)
  const Location = `/v1/users/${name}/${collection}/${row.id}`
  return { status: 201 as const, headers: { ETag: etag(row.revision), Location }, body: row }
}

const tags = (header: string) => header.match(/(?:W\/)?"[^"]*"/g) ?? []
