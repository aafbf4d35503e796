import { found } from '../contract/problem.ts'
import type { Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { createCalendars } from '../domain/calendars.ts'
import { createFeeds } from '../domain/feeds.ts'
import { writeEvents, writeTodos } from '../exchange/calendar.ts'
import { inChunks } from '../exchange/chunks.ts'
import { etag, unchangedReply } from '../resource/etag.ts'
import { createItem } from '../resource/item.ts'

const refreshInterval = 'PT1H' // a duration of RFC 5545
const writers = { todo: writeTodos, event: writeEvents }
// A program may keep the file, and must ask with its ETag before it uses it again.
const cached = { 'Cache-Control': 'private, no-cache' }

export function createCalendarHandlers(db: Database, publicUrl: string | null) {
  const calendars = createCalendars(db, publicUrl)
  const feeds = createFeeds(db)
  const item = createItem('calendars', calendars)

  return {
    listCalendars: ({ owner, query, headers }) => item.list(owner, headers, query.cursor, () => calendars.list(owner, query)),
    createCalendar: ({ owner, claims, headers, body }) => item.create('createCalendar', owner, claims, body, headers),
    getCalendar: ({ owner, path, headers }) => item.get(owner, path.calendarId, headers),
    updateCalendar: ({ owner, path, headers, body }) => item.patch(owner, path.calendarId, body, headers),
    deleteCalendar: ({ owner, path, headers }) => item.remove(owner, path.calendarId, headers),

    /**
     * The ETag is the revision of the account before the first task is read. With a later one, a program could keep a file that has tasks,
     * or filters of the calendar, from before that revision.
     */
    async getCalendarFeed({ path, headers }) {
      const feed = found(await feeds.open(path.feedToken))
      const unchanged = unchangedReply(headers, feed)
      if (unchanged !== undefined) return { ...unchanged, headers: { ...unchanged.headers, ...cached } }
      const file = writers[feed.kind](await feeds.tasks(feed), feed.name, refreshInterval)
      return { status: 200, headers: { ETag: etag(feed.revision), ...cached }, type: 'text/calendar', body: inChunks(file) }
    },
  } satisfies Partial<Handlers>
}
