// Several new rows of one table, in one statement.
import { asEach, records } from '../database/asked.ts'
import type { Database } from '../database/database.ts'
import { errorCode } from '../database/errors.ts'
import { sql } from '../database/sql.ts'
import type { Item } from '../resource/item.ts'
import { mayUse } from './access.ts'
import { bumpRevision } from './revision.ts'
import type { createRows } from './rows.ts'

export function createBulk<Row extends Item, Input extends object>(
  db: Database,
  name: string,
  { item, columns, fields, hasRoomFor, makeRoom }: ReturnType<typeof createRows<Row, Input>>,
) {
  const row = { ...fields.types, id: 'uuid', place: 'integer' } as const
  const each = asEach(row)
  const insert = db.change(`insert ${name}`, { owner: 'text', ids: 'uuid[]', rows: 'jsonb' })<Row>((asked, callers) => {
    const count = sql`jsonb_array_length(${asked.rows})`
    const own = sql`${mayUse(sql`item.owner_id`, asked.owner)} and item.id = any(${asked.ids})`
    const isNew = sql`not exists (select from ${item} where ${own})`
    const created = sql`(${callers.now} + each.place * interval '1 microsecond')` // lists show them in their order
    return sql`
      ${bumpRevision(asked, callers, sql`${hasRoomFor(count)} and ${isNew}`, count)}
      insert into ${item} (owner_id, id, ${fields.columns}, revision, created_at, updated_at)
      select change.owner_id, each.id, ${fields.inserted(each, created)}, ${callers.isPart ? sql`next` : sql`next - ${count} + each.place + 1`},
        ${created}, ${created}
      from change ${callers.join(sql`change.owner_id`)}
      cross join ${records(asked.rows, row)}
      returning item.owner_id as owner, ${columns}`
  })

  /**
   * Makes rows under new ids, each with a revision of its own, and resolves with them in their order. Makes none and resolves with
   * undefined if one of them is refused or has an id that is taken, or if there is no account. Throws 409 if there is no room for all.
   */
  return async (owner: string, inputs: (Input & { id: string })[]): Promise<Row[] | undefined> => {
    const ids = inputs.map(({ id }) => id)
    const rows = inputs.map((input, place) => ({ ...input, place }))
    async function send() {
      const made = await db.savepoint(() => insert({ owner, ids, rows, instants: rows.length }))
      const byId = new Map(made.map(each => [each.id, each]))
      return made.length === 0 ? undefined : ids.map(id => byId.get(id.toLowerCase()) as Row)
    }
    try {
      const made = await send()
      if (made !== undefined) return made
      await makeRoom(owner, rows.length)
      return await send()
    } catch (error) {
      if (errorCode(error).startsWith('23')) return undefined // of a constraint
      throw error
    }
  }
}
