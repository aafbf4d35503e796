// Replies with ETags, and the conditions on them: RFC 9110, sections 8.8.3 and 13.
import { found, Problem } from '../contract/problem.ts'

export type Versioned = { revision: number }
export type Conditional = { 'if-match'?: string; 'if-none-match'?: string }

/** The strong ETag of a revision. */
export const etag = (revision: number): string => `"${revision}"`

/** Whether If-None-Match names the revision (weak comparison). */
export function unchanged(ifNoneMatch: string | undefined, revision: number): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.trim() === '*' || tags(ifNoneMatch).some(tag => tag.replace(/^W\//, '') === etag(revision))
}

/**
 * The revisions that If-Match names (strong comparison); null where any will do.
 * A tag that can't be one of ours matches nothing.
 */
export function revisions(ifMatch: string | undefined): number[] | null {
  if (ifMatch === undefined || ifMatch.trim() === '*') return null
  return tags(ifMatch)
    .filter(tag => /^"\d{1,15}"$/.test(tag))
    .map(tag => Number(tag.slice(1, -1)))
}

/** Throws 412 unless the current revision is one of those that If-Match named. */
export function mustMatch(match: number[] | null, { revision }: Versioned): void {
  if (match !== null && !match.includes(revision)) throw failed([{ revision }])
}

/** Why a change found no row: 404, or 412 where If-Match named another revision than that of the row which is there now. */
export async function missed(match: number[] | null, now: () => Promise<Versioned[]>): Promise<never> {
  if (match === null) throw new Problem('not-found')
  throw failed([found(await now())])
}

/** 412, with the current ETag where there is one. */
export function failed([now]: Versioned[]): Problem {
  if (now === undefined) return new Problem('precondition-failed')
  const ETag = etag(now.revision)
  return new Problem('precondition-failed', {
    detail: `The current ETag is ${ETag}. Read it again before you change it.`,
    headers: { ETag },
  })
}

/** The resource with its ETag. */
export function shown<Row extends Versioned>(row: Row) {
  return { status: 200 as const, headers: { ETag: etag(row.revision) }, body: row }
}

/** The resource with its ETag, or only that where If-None-Match names it. */
export function shownIfNew<Row extends Versioned>(row: Row, ifNoneMatch: string | undefined) {
  return unchanged(ifNoneMatch, row.revision) ? notModified(row.revision) : shown(row)
}

export function notModified(revision: number) {
  return { status: 304 as const, headers: { ETag: etag(revision) } }
}

/** The new resource with its ETag and where to find it. */
export function created<Row extends Versioned & { id: string }>(row: Row, owner: string, collection: 'categories' | 'tasks') {
  // A client would take a dot for a step in the path.
  const name = owner === '.' || owner === '..' ? 'me' : encodeURIComponent(owner)
  const Location = `/v1/users/${name}/${collection}/${row.id}`
  return { status: 201 as const, headers: { ETag: etag(row.revision), Location }, body: row }
}

const tags = (header: string) => header.match(/(?:W\/)?"[^"]*"/g) ?? []
