// `users.revision` counts the changes of an owner's rows. The statement that changes rows also bumps it: the row lock on `users` puts the
// changes of one owner in commit order. These are the parts of statements that do it.
import { type Problem, unavailable } from '../contract/problem.ts'
import type { Claims } from '../contract/types.ts'
import type { Asked, Columns } from '../database/asked.ts'
import type { Callers } from '../database/batched-writes.ts'
import type { Database } from '../database/database.ts'
import { type Part, sql } from '../database/sql.ts'
import type { Allowed } from '../resource/etag.ts'
import { mayUse } from './access.ts'

/**
 * The revision of a new account is the clock, in milliseconds. So it is above every revision of an erased account of the same owner, and an
 * ETag that was kept over the erasure never matches. The deletions of that account are unknown, as if they had been purged.
 */
const firstRevision = sql`(extract(epoch from now()) * 1000)::bigint`

/** Inserts the account `u`. */
export const insertAccount = (owner: string, { email, name }: Claims): Part => sql`
  insert into users as u (id, email, name, revision, profile_revision, start_revision, purged_revision)
  select ${owner}::text, ${email}::text, ${name}::text, ${firstRevision}, ${firstRevision}, ${firstRevision} - 1, ${firstRevision}`

/** Makes a function that inserts the account of an owner. It resolves with the revision, or with undefined if there is an account. */
export function createAccounts({ write }: Pick<Database, 'write'>): (owner: string, claims: Claims) => Promise<number | undefined> {
  return async (owner, claims) => {
    const [account] = await write<{ revision: number }>(
      'insert user',
      sql`${insertAccount(owner, claims)} on conflict (id) do nothing returning revision`,
    )
    return account?.revision
  }
}

/**
 * The CTE `change` of every statement that changes rows: bumps the revision of the account `u` if it is there and `allowed`. When writers
 * race with the same If-Match, a loser may bump the revision without changing a row. That is harmless: it only invalidates an ETag early.
 * A change that inserts several rows bumps it `by` their number, because the quotas count on that. A part of a change keeps the revision of
 * the whole, and counts from as much earlier.
 */
export const bumpRevision = (asked: Asked<Columns & { owner: 'text' }>, callers: Callers, allowed: Part, by = sql`1`): Part => sql`
  change as (
    update users as u
    set ${callers.isPart ? countedEarlier(by) : sql`revision = u.revision + ${by}`}
    ${callers.from}
    where ${mayUse(sql`u.id`, asked.owner)} and (${allowed})
    returning u.id as owner_id, u.revision as next)`

const countedEarlier = (by: Part) => sql`
  start_revision = u.start_revision - ${by}, task_room = u.task_room - ${by}, category_room = u.category_room - ${by},
  calendar_room = u.calendar_room - ${by}, webhook_room = u.webhook_room - ${by}`

/**
 * Makes a function that bumps the revision of an account for all parts of one change, and makes the account if it is not there. It resolves
 * with the revision that the lists had before.
 */
export function createOneRevision({ write }: Pick<Database, 'write'>): (owner: string, claims: Claims) => Promise<number> {
  const insert = createAccounts({ write })
  return async (owner, claims) => {
    const made = await insert(owner, claims)
    const [account] = await write<{ before: number }>(
      'bump revision',
      sql`
        update users as u
        set revision = u.revision + 1
        where ${mayUse(sql`u.id`, sql`${owner}`)}
        returning u.revision - 1 as before`,
    )
    if (account === undefined) throw busyAccount()
    return made === undefined ? account.before : 0
  }
}

/**
 * The condition on the account `u` that the statement sees every change of the account so far. A statement that waited for the lock of `u`
 * reads that row again, and every other row from a snapshot of before the wait: it would miss a task that another change has just added to
 * the rows it is about. With this condition it changes nothing then, and its caller repeats it.
 */
export const snapshotIsCurrent = (owner: Part): Part => sql`u.revision = (select revision from users where ${mayUse(sql`id`, owner)})`

/** `and …`: the revision is one that a change may meet. For a statement of one caller. */
export const isAllowedRevision = (revision: Part, { match, except }: Allowed): Part => sql`
  ${match === null ? sql`` : sql`and ${revision} = any(${match}::bigint[])`}
  ${except === null ? sql`` : sql`and ${revision} <> all(${except}::bigint[])`}`

/** Locks the account of an owner, if it is there and no other transaction holds it. */
export const accountLock = (owner: Part): Part => sql`
  select
  from users
  where ${mayUse(sql`id`, owner)}
  for no key update skip locked`

/**
 * The rows of a page with the revision of the account at the same instant; one row without them if there are none. The page may use the
 * number of `changes` of the `account`.
 */
export const withRevision = (owner: Part, columns: Part, page: Part): Part => sql`
  with account as (
    select revision as as_of, revision - start_revision as changes
    from users
    where ${mayUse(sql`id`, owner)})
  select as_of, ${columns}
  from account left join lateral ${page} on true`

/** Makes a function that reads the revision of an account, the ETag of its lists: 0 before the first contact. */
export function createRevision({ lookup }: Pick<Database, 'lookup'>): (owner: string) => Promise<number> {
  const select = lookup('select revision', { owner: 'text' })<{ revision: number }>(
    asked => sql`
      select revision
      from users
      where ${mayUse(sql`id`, asked.owner)}`,
  )
  return async owner => (await select({ owner }))[0]?.revision ?? 0
}

/** The problem of a request that lost every one of its races with other changes of the account. */
export const busyAccount = (): Problem => unavailable('There are too many changes in this account at the same time. Try again shortly.')

/** Repeats an attempt that resolves with undefined, because another change of the account came first. */
export async function settled<Result>(maxAttempts: number, attempt: () => Promise<Result | undefined>): Promise<Result> {
  for (let count = 0; count < maxAttempts; count++) {
    const result = await attempt()
    if (result !== undefined) return result
  }
  throw busyAccount()
}
