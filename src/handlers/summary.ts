import type { Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { currentMinute } from '../domain/dates.ts'
import { createSummary } from '../domain/summary.ts'
import { readList } from '../resource/item.ts'

export function createSummaryHandlers(db: Database) {
  const summary = createSummary(db)

  return {
    /** Like a list, it has the ETag of the account. */
    getSummary({ owner, headers }) {
      const minute = currentMinute()
      return readList(summary.currentRevision, owner, headers, undefined, () => summary.read(owner, minute), minute)
    },
  } satisfies Partial<Handlers>
}
