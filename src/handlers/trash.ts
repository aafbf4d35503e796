import type { Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { createTrash } from '../domain/trash.ts'
import { type Conditional, okReply, requireAllowed } from '../resource/etag.ts'
import { readList } from '../resource/item.ts'

export function createTrashHandlers(db: Database) {
  const trash = createTrash(db)
  // The ETag of the trash is that of the account.
  const check = (headers: Conditional) => (revision: number) => requireAllowed(headers, { revision })

  return {
    listTrash: ({ owner, query, headers }) => readList(trash.currentRevision, owner, headers, query.cursor, () => trash.list(owner, query)),
    restoreFromTrash: async ({ owner, path, headers }) => okReply(await trash.restore(owner, path.itemId, check(headers))),
    async purgeFromTrash({ owner, path, headers }) {
      await trash.purge(owner, path.itemId, check(headers))
      return { status: 204 }
    },
    async emptyTrash({ owner, headers }) {
      await trash.empty(owner, check(headers))
      return { status: 204 }
    },
  } satisfies Partial<Handlers>
}
