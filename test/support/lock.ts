// Locks: a transaction of another client that holds one until it is released, at the end of the test at the latest, and who waits for one.
import type postgres from 'postgres'
import { onTestFinished } from 'vitest'

/** Locks the account of a user as every change of it does. */
export async function lockAccount(sql: postgres.Sql, id: string): Promise<{ release: () => Promise<void> }> {
  const holder = await sql.reserve()
  let held = true
  async function release() {
    if (!held) return
    held = false
    await holder`rollback`
    holder.release()
  }
  onTestFinished(release)
  await holder`begin`
  await holder`select from users where id = ${id} for update`
  return { release }
}

/** The statements that wait for a lock, in this database: the cluster has those of other tests. */
export const lockWaits = (sql: postgres.Sql) =>
  sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
