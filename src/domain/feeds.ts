// The calendar that a link leads to, and its tasks: those that are open, have a date and fit its filters.
import type { components } from '../../generated/api.ts'
import type { Database } from '../database/database.ts'
import { type Part, sql } from '../database/sql.ts'
import { mayUse } from './access.ts'
import { pageSize, pagesById, withCategory } from './export.ts'
import { ownerOf, tokenHash } from './feed-token.ts'
import type { Task } from './task.ts'
import { createTasks } from './tasks.ts'

type Calendar = components['schemas']['Calendar']
/** `revision` is that of the account at the same instant. */
type Feed = Pick<Calendar, 'id' | 'name' | 'kind' | 'categoryIds' | 'labels'> & { owner: string; revision: number; isStale: boolean }
/** A task with the name of its category. */
type Named = Task & { category: string | null }

// A write for each use would be the most frequent one of a small account.
const useInterval = sql`interval '1 minute'`

export function createFeeds(db: Database) {
  const { columns } = createTasks(db)
  const select = db.lookup('select feed', { owner: 'text', hash: 'text' })<Feed>(
    asked => sql`
      select item.owner_id as owner, item.id, item.name, item.kind, item.category_ids, item.labels, account.revision,
        coalesce(item.last_used_at < now() - ${useInterval}, true) as is_stale
      from calendars as item, users as account
      where ${mayUse(sql`item.owner_id`, asked.owner)} and ${mayUse(sql`account.id`, asked.owner)}
        and item.token_hash = decode(${asked.hash}, 'hex') and item.deleted_at is null`,
  )

  /** No change of the account: neither its revision nor that of the calendar grows. */
  function noteUse({ owner, id }: Feed) {
    return db.write(
      'use calendar',
      sql`
        update calendars as item
        set last_used_at = now()
        where ${mayUse(sql`item.owner_id`, sql`${owner}`)} and item.id = ${id} and item.deleted_at is null
          and (item.last_used_at is null or item.last_used_at < now() - ${useInterval})`,
    )
  }

  function tasksAfter(feed: Feed, after: string): Promise<Named[]> {
    return db.read(
      'select feed tasks',
      sql`
        select ${columns}, named.name as category
        from ${withCategory(feed.owner)}
        where ${mayUse(sql`item.owner_id`, sql`${feed.owner}`)} and item.deleted_at is null and item.completed_at is null
          ${filters(feed)} and item.id > ${after}
        order by item.id
        limit ${pageSize}`,
    )
  }

  return {
    /** Resolves with the calendar of the link, if there is one. Notes the use. */
    async open(token: string): Promise<Feed[]> {
      const owner = ownerOf(token)
      const [feed] = owner === undefined ? [] : await select({ owner, hash: tokenHash(token) })
      if (feed?.isStale) await noteUse(feed)
      return feed === undefined ? [] : [feed]
    },

    /**
     * Resolves with the tasks when the first page is read. Each page is a statement of its own, as in an export, so no connection is kept while
     * the client reads.
     */
    async tasks(feed: Feed): Promise<AsyncGenerator<Named, void>> {
      const pages = pagesById(after => tasksAfter(feed, after))
      const first = await pages.next()
      return (async function* () {
        if (!first.done) yield* first.value
        for await (const page of pages) yield* page
      })()
    },
  }
}

/** Conditions on `item` that begin with `and`. An event needs a due date, and a VTODO one that programs show: DUE or DTSTART. */
function filters({ kind, categoryIds, labels }: Feed): Part {
  const dated = kind === 'event' ? sql`item.due_date is not null` : sql`(item.due_date is not null or item.start_date is not null)`
  return sql`
    and ${dated}
    ${categoryIds === null ? sql`` : sql`and item.category_id = any(${categoryIds}::uuid[])`}
    ${labels === null ? sql`` : sql`and item.label_names && (select folded_all(${labels}::text[]))`}`
}
