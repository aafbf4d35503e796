// How one item of a resource answers: conditions, ETags, and 201 or 200.
import { randomUUIDv7 } from 'node:crypto'
import { derivedId, parseKey, requestHash } from '../contract/idempotency-key.ts'
import { found, Problem, unavailable } from '../contract/problem.ts'
import type { Claims } from '../contract/types.ts'
import {
  type Allowed,
  allowedRevisions,
  type Conditional,
  createdReply,
  isConditional,
  listReply,
  mustBeNew,
  okReply,
  preconditionFailed,
  readReply,
  requireAllowed,
  unchangedReply,
  type Versioned,
} from './etag.ts'
import { createOnce, type Keyed, type Made, madeRow, type Once } from './once.ts'

export type Item = Versioned & { id: string; createdAt: string; updatedAt: string }

/** A condition on the revision of an account. The statement holds it, and `holds` tells afterwards whether it was the reason, or throws it. */
export type Guard = Allowed & {
  holds: () => Promise<boolean>
  /** of a request with an Idempotency-Key: the row must not be there, deleted or not, and keeps this hash */
  requestHash?: string
}
/** Each resolves with the row as it is afterwards, or with none. */
export type Rows<Row, Input> = {
  /** the revision of the account, which is the ETag of its lists */
  currentRevision: (owner: string) => Promise<number>
  one: (owner: string, id: string) => Promise<Row[]>
  /** The row under this id, deleted or not, and whether the request with this hash has made it. */
  made: (owner: string, id: string, requestHash: string) => Promise<Made<Row>[]>
  /** Makes a row under a new id; none if the guard holds no more. */
  create: (owner: string, claims: Claims, id: string, input: Input, guard?: Guard) => Promise<Row | undefined>
  /** Makes a row under this id; none if there is one. Absent where no `PUT` makes rows. */
  add?: (owner: string, claims: Claims, id: string, input: Input) => Promise<Row | undefined>
  update: (owner: string, id: string, allowed: Allowed, patch: Partial<Input>) => Promise<Row[]>
  remove: (owner: string, id: string, allowed: Allowed) => Promise<object[]>
}

const maxAttempts = 5

/** `collection` is the last segment of the path of the items. */
export function createItem<Row extends Item, Input extends object>(
  collection: string,
  { currentRevision, one, made, create, add, update, remove }: Rows<Row, Input>,
) {
  /** The reason why a change met no row: 404, or 412 if it has conditions and there is one. */
  async function miss(owner: string, id: string, headers: Conditional): Promise<Problem> {
    return isConditional(headers) ? preconditionFailed([found(await one(owner, id))]) : new Problem('not-found')
  }

  /** Makes a change that resolves with its result, or with none if the row is not there in an allowed revision. */
  async function result<Result>(owner: string, id: string, headers: Conditional, make: (allowed: Allowed) => Promise<Result[]>) {
    const [made] = mustBeNew(headers) ? [] : await make(allowedRevisions(headers))
    if (made === undefined) throw await miss(owner, id, headers)
    return made
  }

  /** The same for a change whose result is the row. */
  async function change(owner: string, id: string, headers: Conditional, make: (allowed: Allowed) => Promise<Row[]>) {
    return okReply(await result(owner, id, headers, make))
  }

  /** The conditions of a request that creates: on the list, and that the row of its key is not there, which comes first. */
  async function guardOf(owner: string, headers: Conditional, once: Once | undefined): Promise<Guard | undefined> {
    if (!isConditional(headers) && once === undefined) return undefined
    const holds = async () => {
      await once?.requireNew()
      if (isConditional(headers)) requireAllowed(headers, { revision: await currentRevision(owner) })
      return true
    }
    if (isConditional(headers)) await holds()
    return { ...allowedRevisions(headers), holds, ...(once && { requestHash: once.requestHash }) }
  }

  return {
    /** `minute` is the one of the clock, for a list that depends on it. */
    list<Body>(owner: string, headers: Conditional, cursor: string | undefined, page: Page<Body>, minute?: number) {
      return readList(currentRevision, owner, headers, cursor, page, minute)
    },

    /** The conditions are about the list, because it is the target of the request. `operation` and owner have their own keys. */
    async create(operation: string, owner: string, claims: Claims, input: Input, headers: Conditional & Keyed) {
      const make = async (id: string, once?: Once) => {
        const row = await create(owner, claims, id, input, await guardOf(owner, headers, once))
        if (row === undefined) throw preconditionFailed([])
        return createdReply(row, owner, collection)
      }
      const key = headers['idempotency-key']
      if (key === undefined) return make(randomUUIDv7())
      const id = derivedId(owner, operation, parseKey(key))
      const hash = requestHash(input)
      const replay = async () => (await made(owner, id, hash)).map(row => createdReply(madeRow(row), owner, collection))
      return createOnce(hash, once => make(id, once), replay)
    },

    async get(owner: string, id: string, headers: Conditional) {
      return readReply(headers, found(await one(owner, id)))
    },

    async put(owner: string, claims: Claims, id: string, input: Input, headers: Conditional) {
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        const [row] = mustBeNew(headers) ? [] : await update(owner, id, allowedRevisions(headers), input)
        if (row !== undefined) return okReply(row)
        if (headers['if-match'] !== undefined) throw preconditionFailed(await one(owner, id))
        const added = await add?.(owner, claims, id, input)
        if (added !== undefined) return createdReply(added, owner, collection)
        const present = isConditional(headers) ? await one(owner, id) : []
        if (present.length > 0) throw preconditionFailed(present)
      }
      throw unavailable('The resource is made and deleted again and again at the same time. Try again shortly.')
    },

    async patch(owner: string, id: string, patch: Partial<Input>, headers: Conditional) {
      if (Object.keys(patch).length === 0) {
        const row = found(await one(owner, id))
        requireAllowed(headers, row)
        return okReply(row)
      }
      return change(owner, id, headers, allowed => update(owner, id, allowed, patch))
    },

    result,

    change,

    async remove(owner: string, id: string, headers: Conditional) {
      await result(owner, id, headers, allowed => remove(owner, id, allowed))
      return { status: 204 as const }
    },
  }
}

type Page<Body> = () => Promise<{ revision: number; body: Body }>

/** A page of a list. Without a cursor it is read only if the account has another revision than the conditions name. */
export async function readList<Body>(
  currentRevision: (owner: string) => Promise<number>,
  owner: string,
  headers: Conditional,
  cursor: string | undefined,
  page: Page<Body>,
  minute?: number,
) {
  // Only reading the page shows whether a cursor is valid, and an invalid one is 422 with any condition (RFC 9110, section 13.2.1).
  if (isConditional(headers) && cursor === undefined) {
    const unchanged = unchangedReply(headers, { revision: await currentRevision(owner), minute })
    if (unchanged !== undefined) return unchanged
  }
  return listReply(headers, await page(), minute)
}
