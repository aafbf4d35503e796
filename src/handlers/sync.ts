import type { Handlers, OpenEvents } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { cursorExpired, emptyCursor, startOfPage, writeCursor } from '../domain/change-cursor.ts'
import { createChanges, isEnd } from '../domain/changes.ts'

const nothing = { items: [], nextCursor: emptyCursor, hasMore: false, groupComplete: true, revision: 0 }

export function createSyncHandlers(db: Database, openEvents: OpenEvents) {
  const changes = createChanges(db)

  return {
    async listChanges({ owner, query: { cursor, limit } }) {
      const account = await changes.account(owner)
      const start = startOfPage(cursor, account)
      if (account === undefined || start === undefined) return { status: 200, body: nothing }
      const { revision } = account
      const { epoch, floor } = start
      const page = await changes.between(owner, account, start.position, { until: revision, limit, floor })
      if (page === undefined) throw cursorExpired()
      const { items, hasMore, position } = page
      const nextCursor = writeCursor({ epoch, position, floor })
      return { status: 200, body: { items, nextCursor, hasMore, groupComplete: isEnd(position), revision } }
    },

    async streamEvents({ owner, headers, expiresAt = Number.POSITIVE_INFINITY }) {
      const last = headers['last-event-id']
      const live = await openEvents(owner, last === undefined ? undefined : Number(last), expiresAt)
      return { status: 200, headers: { 'X-Accel-Buffering': 'no' }, type: 'text/event-stream', ...live }
    },
  } satisfies Partial<Handlers>
}
