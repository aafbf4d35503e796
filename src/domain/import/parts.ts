// The parts that the imports of categories and of tasks share: the statement of a group, and groups that are refused because of one row.
import { asEach, type Columns, records } from '../../database/asked.ts'
import { noCallers } from '../../database/batched-writes.ts'
import type { Database } from '../../database/database.ts'
import { errorCode } from '../../database/errors.ts'
import { type Part, sql } from '../../database/sql.ts'
import type { FieldParts } from '../../resource/fields.ts'
import { mayUse } from '../access.ts'
import { bumpRevision } from '../revision.ts'

/** Why a row is refused. */
export type Refusal = { place: string | null; reason: string }
/** Rows at the revision `asOf` of the account. `fresh` is how many of them take new room. */
export type Group = { owner: string; asOf: number; rows: object[]; fresh: number }

type Table = { item: Part; fields: FieldParts; hasRoomFor: (count: Part) => Part }

/**
 * Makes the statement that writes a group: it inserts rows, replaces those that are there, and revives tombstones. It resolves with how many
 * it has written, which is none if the account has another revision by now, or no certain room. The revision grows by the number of rows.
 * `others` are the values of fields that are stored otherwise.
 */
export function createGroupStatement(db: Database, noun: string, { item, fields, hasRoomFor }: Table, others: Record<string, Part> = {}) {
  const columns: Columns = {
    ...{ ...fields.types, id: 'uuid', createdAt: 'timestamptz', updatedAt: 'timestamptz' },
    ...(others.completed && { completedAt: 'timestamptz' }),
  }
  const each = asEach(columns)

  return async ({ owner, asOf, rows, fresh }: Group): Promise<number> => {
    const asked = { owner: sql`${owner}::text` }
    const room = fresh === 0 ? sql`` : sql`and ${hasRoomFor(sql`${fresh}::integer`)}`
    const written = await db.write(
      `import ${noun}`,
      sql`
        with ${bumpRevision(asked, noCallers, sql`u.revision = ${asOf} ${room}`, sql`${rows.length}::integer`)}
        insert into ${item} (owner_id, id, ${fields.columns}, revision, created_at, updated_at)
        select change.owner_id, each.id, ${fields.copied({ ...each, ...others })}, next,
          coalesce(${each.createdAt as Part}, now()), coalesce(${each.updatedAt as Part}, now())
        from change cross join ${records(sql`${JSON.stringify(rows)}::text::jsonb`, columns)}
        on conflict (owner_id, id) do update
        set ${fields.replaced}, revision = excluded.revision, created_at = excluded.created_at, updated_at = excluded.updated_at,
          deleted_at = null, request_hash = case when item.deleted_at is null then item.request_hash end
        returning item.id`,
    )
    return written.length
  }
}

/** For how many more live rows there is room: a dry run counts with it. */
export async function liveRoom(
  db: Database,
  noun: string,
  { item, maxRows }: { item: Part; maxRows: number },
  owner: string,
): Promise<number> {
  const [live] = await db.read<{ count: number }>(
    `count live ${noun}`,
    sql`select count(*) from ${item} where ${mayUse(sql`item.owner_id`, sql`${owner}`)} and item.deleted_at is null`,
  )
  return maxRows - (live?.count ?? 0)
}

/**
 * Writes entries. If PostgreSQL refuses one, or there is room for some only, the halves are written one after the other, until the entry is
 * alone. `write` resolves with the entries that are left. `refusal` tells why an error refuses an entry; undefined if the error is another one.
 */
export async function inParts<Each>(
  entries: readonly Each[],
  write: (entries: readonly Each[]) => Promise<readonly Each[]>,
  refusal: (error: unknown) => Refusal[] | undefined,
  refuse: (entry: Each, reasons: Refusal[]) => void,
): Promise<void> {
  const parts = [entries]
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const [only, ...more] = part
    if (only === undefined) continue
    try {
      parts.unshift(await write(part))
    } catch (error) {
      const reasons = refusal(error)
      if (reasons === undefined) throw error
      const middle = Math.ceil(part.length / 2)
      if (more.length === 0) refuse(only, reasons)
      else parts.unshift(part.slice(0, middle), part.slice(middle))
    }
  }
}

/** Data that does not fit, a constraint, or a limit of PostgreSQL: what a value of a row can cause. */
export const isOfRow = (error: unknown): boolean => /^(22|23|54)/.test(errorCode(error))
