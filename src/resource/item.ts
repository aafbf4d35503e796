// How one item of a resource answers: conditions, ETags, and 201 or 200.

import { found } from '../contract/problem.ts'
import type { Claims } from '../contract/types.ts'
import {
  type Conditional,
  conditionalReply,
  createdReply,
  etag,
  matchRevisions,
  okReply,
  preconditionFailed,
  requireMatch,
  throwMiss,
  unlessUnchanged,
  type Versioned,
} from './etag.ts'

export type Item = Versioned & { id: string; createdAt: string; updatedAt: string }

/** Each resolves with the row as it is afterwards, or with none. `match` has the revisions that it may have; null for any. */
export type Rows<Row, Input> = {
  /** the revision of the account, which is the ETag of its lists */
  currentRevision: (owner: string) => Promise<number>
  one: (owner: string, id: string) => Promise<Row[]>
  create: (owner: string, claims: Claims, id: string, input: Input) => Promise<Row>
  /** Makes or replaces a row. With `checkNew` it replaces none: that throws if there is one. */
  put: (owner: string, claims: Claims, id: string, input: Input, checkNew?: () => Promise<void>) => Promise<Row>
  update: (owner: string, id: string, match: number[] | null, patch: Partial<Input>) => Promise<Row[]>
  remove: (owner: string, id: string, match: number[] | null) => Promise<object[]>
}

/** `collection` is the last segment of the path of the items. */
export function createItem<Row extends Item, Input extends object>(
  collection: string,
  { currentRevision, one, create, put, update, remove }: Rows<Row, Input>,
) {
  return {
    /** A page of a list. It is read only if If-None-Match doesn't name the current revision. */
    list<Body>(owner: string, headers: Conditional, page: () => Promise<{ revision: number; body: Body }>) {
      return unlessUnchanged(
        headers['if-none-match'],
        () => currentRevision(owner),
        async () => {
          const { revision, body } = await page()
          return { status: 200 as const, headers: { ETag: etag(revision) }, body }
        },
      )
    },

    async create(owner: string, claims: Claims, id: string, input: Input) {
      return createdReply(await create(owner, claims, id, input), owner, collection)
    },

    async get(owner: string, id: string, headers: Conditional) {
      return conditionalReply(found(await one(owner, id)), headers['if-none-match'])
    },

    async put(owner: string, claims: Claims, id: string, input: Input, headers: Conditional) {
      const mustBeNew = headers['if-none-match'] !== undefined
      const checkNew = async () => {
        const present = await one(owner, id)
        if (present.length > 0) throw preconditionFailed(present)
      }
      if (mustBeNew) await checkNew() // the statements below would leave the row alone too, and yet bump the revision
      if (headers['if-match'] !== undefined) {
        const [row] = await update(owner, id, matchRevisions(headers['if-match']), input)
        if (row === undefined) throw preconditionFailed(await one(owner, id))
        return okReply(row)
      }
      const row = await put(owner, claims, id, input, mustBeNew ? checkNew : undefined)
      // A row that was just made has one instant for both.
      return row.createdAt === row.updatedAt ? createdReply(row, owner, collection) : okReply(row)
    },

    async patch(owner: string, id: string, patch: Partial<Input>, headers: Conditional) {
      const match = matchRevisions(headers['if-match'])
      if (Object.keys(patch).length === 0) {
        const row = found(await one(owner, id))
        requireMatch(match, row)
        return okReply(row)
      }
      const [row] = await update(owner, id, match, patch)
      return okReply(row ?? (await throwMiss(match, () => one(owner, id))))
    },

    async remove(owner: string, id: string, headers: Conditional) {
      const match = matchRevisions(headers['if-match'])
      const [row] = await remove(owner, id, match)
      if (row === undefined) await throwMiss(match, () => one(owner, id))
      return { status: 204 as const }
    },
  }
}
