import type { Handlers, OpenEvents } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { type Cursor, emptyCursor, startOfPage, writeCursor } from '../domain/change-cursor.ts'
import { type Account, createChanges, isEnd } from '../domain/changes.ts'
import { settled } from '../domain/revision.ts'

const maxAttempts = 5
const nothing = { items: [], nextCursor: emptyCursor, hasMore: false, groupComplete: true, revision: 0 }

export function createSyncHandlers(db: Database, openEvents: OpenEvents) {
  const changes = createChanges(db)

  return {
    /** If the account was erased or purged between two statements, it is read again: then the cursor is expired, or the snapshot begins later. */
    listChanges: ({ owner, query }) =>
      settled(maxAttempts, async () => {
        const account = await changes.account(owner)
        const start = startOfPage(query.cursor, account)
        if (account === undefined || start === undefined) return { status: 200, body: nothing }
        const body = await page(owner, account, start, query.limit)
        return body && { status: 200, body }
      }),

    async streamEvents({ owner, headers, expiresAt = Number.POSITIVE_INFINITY }) {
      const last = headers['last-event-id']
      const live = await openEvents(owner, last === undefined ? undefined : Number(last), expiresAt)
      return { status: 200, headers: { 'X-Accel-Buffering': 'no' }, type: 'text/event-stream', ...live }
    },
  } satisfies Partial<Handlers>

  async function page(owner: string, account: Account, { epoch, position: from, floor }: Cursor, limit: number) {
    const { revision } = account
    const found = await changes.between(owner, account, from, { until: revision, limit, floor })
    if (found === undefined) return undefined
    const { items, hasMore, position } = found
    return { items, nextCursor: writeCursor({ epoch, position, floor }), hasMore, groupComplete: isEnd(position), revision }
  }
}
