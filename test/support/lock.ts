// A transaction of another client that holds a lock until it is released, at the end of the test at the latest.
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
