// The rows that a process removes between requests because of their age.
import type { Database } from '../database/database.ts'
import { createReplyExpiry } from './replies.ts'
import { createTombstoneExpiry } from './tombstones.ts'

export function createExpiry(db: Database) {
  const all = [createTombstoneExpiry(db), createReplyExpiry(db)]

  return {
    async owners(): Promise<string[]> {
      const found = new Set<string>()
      for (const { owners } of all) for (const owner of await owners()) found.add(owner)
      return [...found]
    },

    /** Resolves with the number of rows that are removed. */
    async purge(owner: string): Promise<number> {
      let rows = 0
      for (const { purge } of all) rows += await purge(owner)
      return rows
    },
  }
}
