import { found } from '../contract/problem.ts'
import type { Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { createLabels, type VersionedLabel } from '../domain/labels.ts'
import { allowedRevisions, type Conditional, etag, mustBeNew, requireAllowed } from '../resource/etag.ts'
import { readList } from '../resource/item.ts'

export function createLabelHandlers(db: Database) {
  const labels = createLabels(db)

  /** The label as it is. Throws 404 if no task has it, and 412 if the conditions forbid to change it: they are about the list of labels. */
  async function changeable(owner: string, label: string, headers: Conditional): Promise<VersionedLabel> {
    const current = found(await labels.one(owner, label))
    requireAllowed(headers, current)
    return current
  }

  return {
    listLabels: ({ owner, query, headers }) =>
      readList(labels.currentRevision, owner, headers, query.cursor, () => labels.list(owner, query)),

    async renameLabel({ owner, path, headers, body: { name } }) {
      const check = () => changeable(owner, path.label, headers)
      if (name === undefined || mustBeNew(headers)) return labelReply(await check())
      return labelReply(await labels.rename(owner, path.label, name, allowedRevisions(headers), check))
    },

    async deleteLabel({ owner, path, headers }) {
      const check = () => changeable(owner, path.label, headers)
      if (mustBeNew(headers)) await check() // throws: the label is there, or nothing is
      await labels.remove(owner, path.label, allowedRevisions(headers), check)
      return { status: 204 }
    },
  } satisfies Partial<Handlers>
}

/** 200. A label has the ETag of the list of labels. */
function labelReply({ revision, label }: VersionedLabel) {
  return { status: 200 as const, headers: { ETag: etag(revision) }, body: label }
}
