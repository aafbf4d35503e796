// What the operations on one row of a person have in common: their conditions, and what is answered.

import { found } from '../contract/problem.ts'
import { type Conditional, created, failed, missed, mustMatch, revisions, shown, shownIfNew, type Versioned } from './etag.ts'

type Made = Versioned & { id: string; createdAt: string; updatedAt: string }

type Key = { owner: string; id: string }

/** Each resolves with the row as it is afterwards, or with none. `match` has the revisions that it may have; null for any. */
type Statements<Row, Fields> = {
  one: (key: Key) => Promise<Row[]>
  /** Makes or replaces a row; the second one doesn't replace. Takes the fields of the row with its key. */
  put: (values: Key) => Promise<Row[]>
  putNew: (values: Key) => Promise<Row[]>
  update: (owner: string, id: string, match: number[] | null, fields: Fields) => Promise<Row[]>
  remove: (owner: string, id: string, match: number[] | null) => Promise<object[]>
  /** The row that a statement makes. Throws where there is no room, unless the check throws something else. */
  within: (owner: string, create: () => Promise<Row[]>, check: () => Promise<void>) => Promise<Row>
}

export function resource<Row extends Made, Fields extends object>(
  collection: 'categories' | 'tasks',
  { one, put, putNew, update, remove, within }: Statements<Row, Fields>,
) {
  return {
    async get(owner: string, id: string, headers: Conditional) {
      return shownIfNew(found(await one({ owner, id })), headers['if-none-match'])
    },

    /** `fields` are those of the row that are replaced, `values` all that make one. */
    async put(values: Key, fields: Fields, headers: Conditional) {
      const { owner, id } = values
      const mustBeNew = async () => {
        const taken = headers['if-none-match'] === undefined ? [] : await one({ owner, id })
        if (taken.length > 0) throw failed(taken)
      }
      await mustBeNew() // the statement below would leave it alone too, and yet count a change
      if (headers['if-match'] !== undefined) {
        const [row] = await update(owner, id, revisions(headers['if-match']), fields)
        if (row === undefined) throw failed(await one({ owner, id }))
        return shown(row)
      }
      const send = headers['if-none-match'] === undefined ? put : putNew
      const row = await within(owner, () => send(values), mustBeNew)
      // A row that was just made has one instant for both.
      return row.createdAt === row.updatedAt ? created(row, owner, collection) : shown(row)
    },

    async patch(owner: string, id: string, fields: Fields, headers: Conditional) {
      const match = revisions(headers['if-match'])
      const current = () => one({ owner, id })
      if (Object.keys(fields).length === 0) {
        const row = found(await current())
        mustMatch(match, row)
        return shown(row)
      }
      const [row] = await update(owner, id, match, fields)
      return shown(row ?? (await missed(match, current)))
    },

    async remove(owner: string, id: string, headers: Conditional) {
      const match = revisions(headers['if-match'])
      const [row] = await remove(owner, id, match)
      if (row === undefined) await missed(match, () => one({ owner, id }))
      return { status: 204 as const }
    },
  }
}
