// Moving a task to a place in the order of all live tasks of the account. The neighbours are read first, and the move is made only if the
// account still has the revision that was read: see subtasks.ts.
import { invalid, unavailable } from '../contract/problem.ts'
import type { Call } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { type Part, sql } from '../database/sql.ts'
import type { Allowed } from '../resource/etag.ts'
import { mayUse } from './access.ts'
import { type Gap, type Keyed, keyBetween, maxKey, maxShortKey, spread } from './order.ts'
import { bumpRevision, settled } from './revision.ts'
import { taskKey } from './sort-key.ts'
import { maxAttempts } from './subtasks.ts'
import type { Task } from './task.ts'
import type { createTasks } from './tasks.ts'

type Move = Call<'moveTask'>['body']
type Neighbours = { asOf: number; anchor: string | null; below: string | null; above: string | null }

const key = taskKey(sql`item.`)
const aboveAll = sql`'~'` // no key has this character, or a greater one
/** A spread of so many tasks on each side is enough, unless a client has given long keys to all of them: then one of the second number. */
const reaches = [50, 1_000]

export function createMoves(db: Database, { attempt }: Pick<ReturnType<typeof createTasks>, 'attempt'>) {
  /** The other live tasks of an owner. */
  const others = (owner: Part, id: Part) => sql`
    from tasks as item
    where ${mayUse(sql`item.owner_id`, owner)} and item.deleted_at is null and item.id <> ${id}`

  // The greatest smaller key than that of the task `at`, its key, and the least greater one; without `at`, the greatest of all.
  const neighbours = db.lookup('select neighbours', { owner: 'text', id: 'uuid', at: 'uuid' })<Neighbours>(
    asked => sql`
      select account.revision as as_of, anchor, below, above
      from users as account
      left join lateral (select ${key} as anchor ${others(asked.owner, asked.id)} and item.id = ${asked.at}) as anchored on true
      left join lateral (
        select ${key} as below ${others(asked.owner, asked.id)} and ${key} < coalesce(anchor, ${aboveAll})
        order by ${key} desc
        limit 1) as lower on true
      left join lateral (
        select ${key} as above ${others(asked.owner, asked.id)} and ${key} > anchor
        order by ${key}
        limit 1) as upper on true
      where ${mayUse(sql`account.id`, asked.owner)}`,
  )
  // An array for ids and one for keys, instead of a relation: an update that joins only its own CTE runs on Citus.
  const rekey = db.change('spread tasks', { owner: 'text', asOf: 'bigint', ids: 'uuid[]', keys: 'text[]' })<{ id: string }>(
    (asked, callers) => sql`
      ${bumpRevision(asked, callers, sql`u.revision = ${asked.asOf}`)}
      update tasks as item
      set sort_key = (${asked.keys})[array_position(${asked.ids}, item.id)], revision = next, updated_at = ${callers.now}
      from change ${callers.join(sql`change.owner_id`)}
      where ${mayUse(sql`item.owner_id`, asked.owner)} and item.id = any(${asked.ids}) and item.deleted_at is null
      returning item.owner_id as owner, item.id`,
  )

  return {
    /** Resolves with the task; with none if it is not there in an allowed revision. */
    move(owner: string, id: string, allowed: Allowed, { before = null, after = null, ...place }: Move): Promise<Task[]> {
      let spreads = 0
      return settled(maxAttempts, () =>
        attempt(owner, id, allowed, place, async asOf => {
          const found = await gap(owner, id, before, after)
          if (found.asOf !== asOf) return undefined
          const sortKey = keyBetween(found)
          if (sortKey.length <= (spreads === 0 ? maxShortKey : maxKey)) return { sortKey }
          const reach = reaches[spreads]
          if (reach === undefined) throw unavailable('The tasks beside this place have too long keys. Give them others.')
          if (await makeRoom(owner, id, found, reach)) spreads += 1
          return undefined
        }),
      )
    },
  }

  /** The gap that a task is moved into, at the revision `asOf` of the account. Throws 422 if there is no such neighbour. */
  async function gap(owner: string, id: string, before: string | null, after: string | null): Promise<Gap & { asOf: number }> {
    const [found] = await neighbours({ owner, id, at: before ?? after })
    const { asOf = 0, anchor = null, below = null, above = null } = found ?? {}
    if ((before ?? after) !== null && anchor === null)
      throw invalid({
        ...{ pointer: before === null ? '/after' : '/before', location: 'body', code: 'notFound' },
        message: 'must be the id of another of your tasks',
      })
    return after === null ? { asOf, lower: below, upper: anchor } : { asOf, lower: anchor, upper: above }
  }

  /**
   * Gives the tasks on both sides of a gap short keys, in the same order. It is a change of its own, so that the move stays one of few rows,
   * and the condition on its task holds: that task keeps its key and its revision.
   */
  async function makeRoom(owner: string, id: string, { asOf, lower, upper }: Gap & { asOf: number }, reach: number): Promise<boolean> {
    const found = await Promise.all([side(owner, id, lower, sql`<=`, sql`desc`, reach), side(owner, id, upper, sql`>=`, sql`asc`, reach)])
    if (found.flat().some(each => each.asOf !== asOf)) return false
    const rows = spread(...found, reach)
    const changed = await rekey({ owner, asOf, ids: rows.map(each => each.id), keys: rows.map(each => each.key) })
    return changed.length > 0
  }

  /** The tasks on one side of a gap, the nearest first, and one more than `reach`; none if the side has no bound. */
  async function side(owner: string, id: string, bound: string | null, isOn: Part, direction: Part, reach: number) {
    if (bound === null) return []
    return db.read<Keyed & { asOf: number }>(
      'select tasks beside',
      sql`
        select (select revision from users where ${mayUse(sql`id`, sql`${owner}`)}) as as_of, item.id, ${key} as key
        ${others(sql`${owner}`, sql`${id}`)} and ${key} ${isOn} ${bound}
        order by ${key} ${direction}, item.id ${direction}
        limit ${reach + 1}`,
    )
  }
}
