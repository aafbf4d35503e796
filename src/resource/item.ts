// How one item of a resource answers: conditions, ETags, and 201 or 200.

import { found, Problem } from '../contract/problem.ts'
import type { Claims } from '../contract/types.ts'
import {
  type Allowed,
  allowedRevisions,
  type Conditional,
  createdReply,
  etag,
  isConditional,
  mustBeNew,
  okReply,
  preconditionFailed,
  readReply,
  requireAllowed,
  unchangedReply,
  type Versioned,
} from './etag.ts'

export type Item = Versioned & { id: string; createdAt: string; updatedAt: string }

/** A condition on a write that may make a row. `check` throws if it fails; the statement holds it again, for the time after the check. */
export type Guard = Allowed & { check: () => Promise<void> }

/** Each resolves with the row as it is afterwards, or with none. */
export type Rows<Row, Input> = {
  /** the revision of the account, which is the ETag of its lists */
  currentRevision: (owner: string) => Promise<number>
  one: (owner: string, id: string) => Promise<Row[]>
  /** The guard is about the revision of the account. */
  create: (owner: string, claims: Claims, id: string, input: Input, guard?: Guard) => Promise<Row>
  /** Makes or replaces a row. With a guard it replaces only a row whose revision is not among `except`; where that is null, none. */
  put: (owner: string, claims: Claims, id: string, input: Input, guard?: Guard) => Promise<Row>
  update: (owner: string, id: string, allowed: Allowed, patch: Partial<Input>) => Promise<Row[]>
  remove: (owner: string, id: string, allowed: Allowed) => Promise<object[]>
}

/** `collection` is the last segment of the path of the items. */
export function createItem<Row extends Item, Input extends object>(
  collection: string,
  { currentRevision, one, create, put, update, remove }: Rows<Row, Input>,
) {
  /** The reason why a change met no row: 404, or 412 if it has conditions and there is one. */
  async function miss(owner: string, id: string, headers: Conditional): Promise<Problem> {
    return isConditional(headers) ? preconditionFailed([found(await one(owner, id))]) : new Problem('not-found')
  }

  return {
    /** A page of a list. Without a cursor it is read only if the account has another revision than the conditions name. */
    async list<Body>(
      owner: string,
      headers: Conditional,
      cursor: string | undefined,
      page: () => Promise<{ revision: number; body: Body }>,
    ) {
      // Only reading the page shows whether a cursor is valid, and an invalid one is 422 with any condition (RFC 9110, section 13.2.1).
      if (isConditional(headers) && cursor === undefined) {
        const unchanged = unchangedReply(headers, { revision: await currentRevision(owner) })
        if (unchanged !== undefined) return unchanged
      }
      const { revision, body } = await page()
      return unchangedReply(headers, { revision }) ?? { status: 200 as const, headers: { ETag: etag(revision) }, body }
    },

    /** The conditions are about the list, because it is the target of the request. */
    async create(owner: string, claims: Claims, id: string, input: Input, headers: Conditional) {
      if (!isConditional(headers)) return createdReply(await create(owner, claims, id, input), owner, collection)
      const check = async () => requireAllowed(headers, { revision: await currentRevision(owner) })
      await check()
      return createdReply(await create(owner, claims, id, input, { ...allowedRevisions(headers), check }), owner, collection)
    },

    async get(owner: string, id: string, headers: Conditional) {
      return readReply(headers, found(await one(owner, id)))
    },

    async put(owner: string, claims: Claims, id: string, input: Input, headers: Conditional) {
      const check = async () => {
        const [present] = await one(owner, id)
        if (present !== undefined) requireAllowed(headers, present)
      }
      const guarded = headers['if-none-match'] !== undefined
      if (guarded) await check() // the statements below would leave the row alone too, and yet bump the revision
      if (headers['if-match'] !== undefined) {
        const [row] = mustBeNew(headers) ? [] : await update(owner, id, allowedRevisions(headers), input)
        if (row === undefined) throw preconditionFailed(await one(owner, id))
        return okReply(row)
      }
      const row = await put(owner, claims, id, input, guarded ? { ...allowedRevisions(headers), check } : undefined)
      // A row that was just made has one instant for both.
      return row.createdAt === row.updatedAt ? createdReply(row, owner, collection) : okReply(row)
    },

    async patch(owner: string, id: string, patch: Partial<Input>, headers: Conditional) {
      if (Object.keys(patch).length === 0 || mustBeNew(headers)) {
        const row = found(await one(owner, id))
        requireAllowed(headers, row)
        return okReply(row)
      }
      const [row] = await update(owner, id, allowedRevisions(headers), patch)
      if (row === undefined) throw await miss(owner, id, headers)
      return okReply(row)
    },

    async remove(owner: string, id: string, headers: Conditional) {
      const [row] = mustBeNew(headers) ? [] : await remove(owner, id, allowedRevisions(headers))
      if (row === undefined) throw await miss(owner, id, headers)
      return { status: 204 as const }
    },
  }
}
