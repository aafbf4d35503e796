// Pages of lists in memory, as the bytes of their replies. Every change of an account raises its revision, so a page is current for as long
// as the database tells the revision at which it was read. A hit costs that look-up instead of a list.
type Page<Body> = { revision: number; body: Body }
/**
 * The pages of one owner, each undefined until it is read again: most are read once. All are of one revision, because no page of an older one
 * can be current again.
 */
type Kept = { revision: number; bytes: number; pages: Map<string, Uint8Array | undefined> }

export type ListCache = {
  /** Makes the function that reads a page from memory if it is current, and otherwise with `read`. */
  page: <Body>(
    owner: string,
    query: object,
    currentRevision: (owner: string) => Promise<number>,
    read: () => Promise<Page<Body>>,
  ) => () => Promise<Page<Body | Uint8Array>>
  counts: () => { hits: number; misses: number; bytes: number }
}

const encoder = new TextEncoder()
const entryBytes = 300 // of a page, beside its text and its key: about what the maps need for it

/**
 * `maxBytes` is of all pages; 0 keeps none. `connectionsLost` counts them so far: after a failover the database may have lost changes, and use
 * their revisions again for others. So nothing is kept over a lost connection.
 */
export function createListCache(maxBytes: number, connectionsLost: () => number): ListCache {
  const owners = new Map<string, Kept>() // the least recently used come first
  const counts = { hits: 0, misses: 0, bytes: 0 }
  let lost = connectionsLost()

  return {
    page: (owner, query, currentRevision, read) => {
      if (maxBytes === 0) return read
      const key = JSON.stringify(query)
      return async () => {
        const kept = ownersNow().get(owner)
        const page = kept?.pages.get(key)
        if (kept !== undefined && page !== undefined) {
          const revision = await currentRevision(owner)
          // Another request may have put the pages of a newer revision in their place meanwhile.
          const isThere = ownersNow().get(owner) === kept
          if (isThere && kept.revision === revision) {
            owners.delete(owner)
            owners.set(owner, kept)
            counts.hits += 1
            return { revision, body: page }
          }
          if (isThere) forget(owner)
        }
        counts.misses += 1
        const { revision, body } = await read()
        return { revision, body: keep(owner, revision, key, body) ?? body }
      }
    },
    counts: () => counts,
  }

  function ownersNow() {
    if (lost !== connectionsLost()) {
      lost = connectionsLost()
      for (const owner of owners.keys()) forget(owner)
    }
    return owners
  }

  /** Returns the page as bytes if it is kept. */
  function keep(owner: string, revision: number, key: string, body: unknown): Uint8Array | undefined {
    const before = ownersNow().get(owner)
    if (before !== undefined && before.revision > revision) return undefined
    const kept: Kept = before?.revision === revision ? before : { revision, bytes: 0, pages: new Map() }
    const there = kept.pages.get(key)
    const page = kept.pages.has(key) ? (there ?? encoder.encode(JSON.stringify(body))) : undefined
    forget(owner)
    if (page === undefined) kept.bytes += 2 * key.length + entryBytes
    else if (there === undefined) kept.bytes += page.length
    kept.pages.set(key, page)
    counts.bytes += kept.bytes
    owners.set(owner, kept)
    for (const oldest of owners.keys()) {
      if (counts.bytes <= maxBytes) break
      forget(oldest)
    }
    return page
  }

  function forget(owner: string) {
    counts.bytes -= owners.get(owner)?.bytes ?? 0
    owners.delete(owner)
  }
}
