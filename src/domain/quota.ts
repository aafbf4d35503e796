// How much an account may have. Nothing counts along: whatever makes a row is a change, and changes are counted already, so an account
// has at most as many rows as it has seen changes. Only one that has seen more than it may have rows is counted, once in a while.
// `users.task_room` and `users.category_room` then hold the revision up to which there is room for certain, whatever the changes are.
// So deleting, erasing and what a server of an earlier release writes need no bookkeeping, and no race can lead astray.

import { quotas } from '../contract/document.ts'
import { Problem, unavailable } from '../contract/problem.ts'
import type { Database } from '../database/database.ts'
import { Part, sql } from '../database/sql.ts'

const nouns = {
  tasks: { table: sql`tasks`, room: sql`task_room` },
  categories: { table: sql`categories`, room: sql`category_room` },
}

export function quota({ write }: Database, noun: keyof typeof nouns) {
  const { table, room } = nouns[noun]
  const most = quotas[noun]
  const limit = new Part([String(most)], []) // as text, so that the parts have no values of their own

  return {
    /** What must be true of a row `u` of users so that the account may get a row more. */
    hasRoom: sql`u.revision < greatest(u.${room}, ${limit})`,

    /**
     * The row that `create` makes. Where it makes none, that is because there was no room for certain, unless `otherwise` throws another
     * reason: then looks closer, and throws 409 if there is none.
     */
    async within<Row>(owner: string, create: () => Promise<Row[]>, otherwise = async () => {}): Promise<Row> {
      let wasFull = false
      for (let tries = 10; tries > 0; tries--) {
        const [row] = await create()
        if (row !== undefined) return row
        await otherwise()
        const full = !(await counted(owner)) && !(await purged(owner))
        // Looked at twice: somebody else may just have made room, or the very row.
        if (full && wasFull)
          throw new Problem('quota-exceeded', {
            detail: `An account has ${most.toLocaleString('en')} ${noun} at the most. Delete some first.`,
          })
        wasFull = full
      }
      throw unavailable('Too much happens in this account at once. Try again shortly.')
    },
  }

  /**
   * Counts what is there, and tells whether there is room. Revision and rows are of one instant: each row that comes later costs a change.
   * What was deleted counts as well, because it takes room.
   */
  async function counted(owner: string): Promise<boolean> {
    const [account] = await write<{ room: boolean }>`
      with account as (
        select id, revision, (select count(*) from ${table} where owner_id = ${owner}) as kept
        from users
        where id = ${owner})
      update users
      set ${room} = account.revision + greatest(${limit} - account.kept, 0)
      from account
      where users.id = ${owner} and users.id = account.id
      returning account.kept < ${limit} as room`
    return account?.room ?? true
  }

  /** Makes room by forgetting what was deleted first. */
  async function purged(owner: string): Promise<boolean> {
    const rows = await write`
      delete from ${table}
      where owner_id = ${owner} and deleted_at is not null and id = any (array(
        select id
        from ${table}
        where owner_id = ${owner} and deleted_at is not null
        order by deleted_at
        limit ${limit} / 50))
      returning id`
    return rows.length > 0
  }
}
