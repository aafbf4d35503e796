// How many rows an account may have. No row counter is kept. Every insert of a row bumps `users.revision`, and one of several rows bumps it
// by their number. So an account has at most as many rows as its revision has grown since `users.start_revision`. Rows are counted only when
// that is more than rows are allowed, once in a while. `users.task_room`, `category_room`, `calendar_room` and `webhook_room` then hold the
// revision up to which there is room for certain, whatever the changes are.
// A change of several parts has one revision: each part lowers all of them instead of raising the revision.
// So deleting, erasing and the writes of an earlier release need no bookkeeping, and races are harmless.
import { type Document, document } from '../contract/document.ts'
import { Problem } from '../contract/problem.ts'
import type { Claims } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { constant, type Part, sql } from '../database/sql.ts'
import { mayUse } from './access.ts'
import { busyAccount, createAccounts } from './revision.ts'
import { oldest, purge } from './tombstones.ts'

const tables = {
  tasks: { table: sql`tasks`, room: sql`task_room` },
  categories: { table: sql`categories`, room: sql`category_room` },
  calendars: { table: sql`calendars`, room: sql`calendar_room` },
  webhooks: { table: sql`webhooks`, room: sql`webhook_room` },
}
export type QuotaName = keyof typeof tables
/** The rows that an account may have, from the spec. */
export const quotas = (document as Document & { 'x-quotas': Record<QuotaName, number> })['x-quotas']

const maxAttempts = 10
const purgeShare = 50 // a purge removes a fiftieth of the quota at most: enough for many inserts, and quick

export function createQuota(db: Database, noun: QuotaName) {
  const { write } = db
  const insertAccount = createAccounts(db)
  const { table, room } = tables[noun]
  const maxRows = quotas[noun]
  const limit = constant(maxRows)
  const end = sql`greatest(u.${room}, u.start_revision + ${limit})`

  return {
    table,

    maxRows,

    /** The condition on a row `u` of users that the account may get one more row. */
    hasRoom: sql`u.revision < ${end}`,

    /** The same for several rows. */
    hasRoomFor: (count: Part): Part => sql`u.revision + ${count} <= ${end}`,

    /**
     * Resolves with the row that `create` makes; with undefined if it makes none because its condition `holds` no more, unless `holds` throws
     * the reason. Otherwise the account is not there yet and is made, or there was no certain room: then the rows are counted, tombstones
     * are purged, and 409 is thrown if there is still none. `create` gets the revision of an account that was made for it.
     */
    async within<Row>(
      owner: string,
      claims: Claims,
      create: (made?: number) => Promise<Row[]>,
      holds = async () => true,
    ): Promise<Row | undefined> {
      let wasFull = false
      let made: number | undefined
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        const [row] = await create(made)
        if (row !== undefined) return row
        if (!(await holds())) return undefined
        made = await insertAccount(owner, claims)
        if (made !== undefined) continue
        const full = (await countRows(owner)) >= maxRows && !(await purgeTombstones(owner))
        // The second look decides: between the first and this one, another request may have made room, or the row itself.
        if (full && wasFull) throw quotaExceeded()
        wasFull = full
      }
      throw busyAccount()
    },

    /** Makes certain room for several rows; throws 409 if there is none, without removing anything. */
    async makeRoom(owner: string, count: number): Promise<void> {
      const missing = (await countRows(owner)) + count - maxRows
      if (missing <= 0) return
      if (missing > (await countTombstones(owner))) throw quotaExceeded()
      await purgeTombstones(owner, missing)
    },
  }

  function quotaExceeded() {
    return new Problem('quota-exceeded', {
      detail: `An account has at most ${maxRows.toLocaleString('en')} ${noun}. Delete some first.`,
    })
  }

  /**
   * Counts the rows, and notes how much room there is. Revision and rows are of one instant: each later row costs a change.
   * Tombstones count as well, because they take room. A change of several parts may come between the count and the update, which waits for
   * it: such a change has lowered `start_revision` by as much as it may have added rows.
   */
  async function countRows(owner: string): Promise<number> {
    const [account] = await write<{ kept: number }>(
      `count ${noun}`,
      sql`
        with account as (
          select id, revision, start_revision, (select count(*) from ${table} as item where ${mayUse(sql`item.owner_id`, sql`${owner}`)}) as kept
          from users
          where ${mayUse(sql`id`, sql`${owner}`)})
        update users
        set ${room} = account.revision + greatest(${limit} - account.kept, 0) - (account.start_revision - users.start_revision)
        from account
        where ${mayUse(sql`users.id`, sql`${owner}`)} and users.id = account.id
        returning account.kept`,
    )
    return account?.kept ?? 0
  }

  async function countTombstones(owner: string): Promise<number> {
    const [found] = await db.read<{ count: number }>(
      `count deleted ${noun}`,
      sql`
        select count(*) from ${table} as item
        where ${mayUse(sql`item.owner_id`, sql`${owner}`)} and item.deleted_at is not null`,
    )
    return found?.count ?? 0
  }

  /** Makes room by removing the oldest tombstones. */
  async function purgeTombstones(owner: string, count = 1): Promise<boolean> {
    const id = sql`${owner}`
    const items = { [noun]: oldest(noun, id, Math.max(Math.ceil(maxRows / purgeShare), count)) }
    const [account] = await write<{ rows: number }>(`purge ${noun}`, purge({ owner: id, items, isPart: db.isPart() }))
    return account !== undefined && account.rows > 0
  }
}
