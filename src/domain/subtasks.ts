// Tasks below tasks. A change of a task can mean changes of those below it, and depends on the task above. So it reads them first, and is
// made only if the account still has the revision that was read.
import { Problem } from '../contract/problem.ts'
import type { Claims } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { sql } from '../database/sql.ts'
import { type Allowed, isAllowed } from '../resource/etag.ts'
import { cleared } from '../resource/fields.ts'
import type { Guard } from '../resource/item.ts'
import { createPage } from '../resource/page.ts'
import { type Next, nextOf, skip, withFreeIds } from './occurrences.ts'
import { type Family, place, placeBelow } from './place.ts'
import { settled, withRevision } from './revision.ts'
import { taskKey } from './sort-key.ts'
import type { Input, Placed, Task } from './task.ts'
import { createTrees, type TaskRows } from './trees.ts'

/** See `attempt`. */
export type More = (asOf: number) => Promise<Partial<Input> | undefined>

export const maxAttempts = 20 // each loses a race with another change of the account
const maxTree = 1_000

export function createSubtasks(db: Database, rows: TaskRows) {
  const { columns } = rows
  const trees = createTrees(db, rows)

  /** The row to insert below a parent, and the guard of its place. */
  function placed(owner: string, { asOf, parent }: Family, input: Input, guard?: Guard): { row: Placed; guard: Guard } {
    const holds = async () => (await rows.currentRevision(owner)) === asOf && (guard === undefined || guard.holds())
    const match = guard?.match == null ? [asOf] : guard.match.filter(revision => revision === asOf)
    return { row: { ...input, ...placeBelow(parent, input) }, guard: { ...guard, match, except: guard?.except ?? null, holds } }
  }

  /** None if the account has changed, or if room had to be made. A task that has the id of the next occurrence is the next occurrence. */
  async function complete(row: Parameters<typeof trees.update>[0] & { asOf: number }, { id, copies }: Next): Promise<Task[]> {
    const { owner, asOf } = row
    const ids = copies.map(each => each.id)
    const taken = new Set(await rows.usedIds(owner, ids))
    const fresh = taken.has(id) ? [] : withFreeIds(copies, taken)
    const made = { nextOccurrenceId: id, copies: fresh, instants: Math.max(fresh.length, 1) }
    const changed = await trees.complete({ ...row, ...made }).catch(rows.refuse)
    if (changed.length === 0 && (await rows.currentRevision(owner)) === asOf) await rows.makeRoom(owner, fresh.length)
    return changed
  }

  /**
   * One attempt of an update; undefined if another change of the account came first. `more` tells what follows from other rows at the
   * revision of the account, or resolves with undefined if it has another one by now.
   */
  async function attempt(owner: string, id: string, allowed: Allowed, patch: Partial<Input>, more?: More): Promise<Task[] | undefined> {
    const found = await trees.read(owner, id, patch.parentId ?? null)
    if (found.task === undefined || !isAllowed(allowed, found.task)) return []
    const { fields, ...rest } = place(found.task, found, patch)
    const added = more === undefined ? {} : await more(found.asOf)
    if (added === undefined) return undefined
    const whole = { ...patch, ...fields, ...added }
    const row = { ...whole, ...allowed, owner, id, asOf: found.asOf, ...rest, cleared: cleared(whole) }
    const next = nextOf(found.task, found, patch, rest.shift)
    const changed = await (next === null ? trees.update(row).catch(rows.refuse) : complete(row, next))
    return changed.length > 0 ? changed : undefined
  }

  return {
    create(owner: string, claims: Claims, id: string, input: Input, guard?: Guard): Promise<Task | undefined> {
      if (input.parentId === null) return rows.create(owner, claims, id, { ...input, depth: 0 }, guard)
      return settled(maxAttempts, async () => {
        const { row, guard: placeGuard } = placed(owner, await trees.read(owner, null, input.parentId), input, guard)
        return rows.create(owner, claims, id, row, placeGuard)
      })
    },

    async add(owner: string, claims: Claims, id: string, input: Input): Promise<Task | undefined> {
      if (input.parentId === null) return rows.add(owner, claims, id, { ...input, depth: 0 })
      const result = await settled(maxAttempts, async () => {
        const family = await trees.read(owner, id, input.parentId)
        if (family.task !== undefined) return null // before its place: a condition that fails comes first
        const { row, guard } = placed(owner, family, input)
        return rows.add(owner, claims, id, row, guard)
      })
      return result ?? undefined
    },

    update(owner: string, id: string, allowed: Allowed, patch: Partial<Input>): Promise<Task[]> {
      if (patch.parentId === undefined && patch.categoryId === undefined && patch.completed !== true)
        return rows.update(owner, id, allowed, patch)
      return settled(maxAttempts, () => attempt(owner, id, allowed, patch))
    },

    attempt,

    /** Moves a recurring task to its next date. */
    skip(owner: string, id: string, allowed: Allowed): Promise<Task[]> {
      return settled(maxAttempts, async () => {
        const found = await trees.read(owner, id, null)
        const { asOf, task } = found
        if (task === undefined || !isAllowed(allowed, task)) return []
        const moved = await trees.move({ ...allowed, owner, id, asOf, moves: skip(task, found) })
        return moved.length > 0 ? moved.filter(each => each.id === task.id) : undefined
      })
    },

    remove(owner: string, id: string, allowed: Allowed): Promise<object[]> {
      return settled(maxAttempts, async () => {
        const { asOf, task, below } = await trees.read(owner, id, null)
        if (task === undefined || !isAllowed(allowed, task)) return []
        const removed = await trees.remove({ ...allowed, owner, id, asOf, below: below.map(each => each.id) })
        return removed.length > 0 ? removed : undefined
      })
    },

    /** The task and everything below it, each after its parent. */
    async tree(owner: string, id: string) {
      const order = sql`depth, ${taskKey(sql``)}, id`
      const page = sql`
        (
          ${trees.treeOf(sql`${owner}`, sql`${id}::uuid`, columns)}
          select ${columns}
          from tree as item
          order by ${order}
          limit ${maxTree + 1}) as item`
      const all = await db.read<Task & { asOf: number }>(
        'select tree',
        sql`${withRevision(sql`${owner}`, columns, page)} order by ${order}`,
      )
      if ((all[0]?.id ?? null) === null) throw new Problem('not-found')
      const { revision, body } = createPage(all, maxTree, '', () => null)
      return { revision, body: { items: body.items, hasMore: body.nextCursor !== null } }
    },
  }
}
