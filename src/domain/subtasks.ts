// Tasks below tasks. A change of a task can mean changes of those below it, and depends on the task above. So it reads them first, and is
// made only if the account still has the revision that was read. A condition on other rows inside the statement would not do: after
// waiting for the lock of the account, the statement still sees the rows of before.
import { Problem } from '../contract/problem.ts'
import type { Claims } from '../contract/types.ts'
import type { Asked } from '../database/asked.ts'
import type { Callers } from '../database/batched-writes.ts'
import type { Database } from '../database/database.ts'
import { type Part, sql } from '../database/sql.ts'
import { type Allowed, isAllowed } from '../resource/etag.ts'
import { cleared, columnsOf } from '../resource/fields.ts'
import type { Guard } from '../resource/item.ts'
import { createPage } from '../resource/page.ts'
import { mayUse } from './access.ts'
import { type Family, type Node, place, placeBelow } from './place.ts'
import { bumpRevision, settled, withRevision } from './revision.ts'
import { type createRows, current, matched } from './rows.ts'
import type { Input, Placed, Task } from './tasks.ts'

type TaskRows = ReturnType<typeof createRows<Task, Placed>>
type Found = Node & { asOf: number; isParent: boolean | null }

const maxAttempts = 20 // each loses a race with another change of the account
const maxTree = 1_000

export function createSubtasks(db: Database, rows: TaskRows) {
  const { item, columns, fields } = rows
  const node = columnsOf(['id', 'parentId', 'categoryId', 'depth', 'completed', 'revision'])
  /** `with recursive tree`: the task `item` and what is below it. */
  const treeOf = (owner: Part, id: Part, shown: Part) => sql`
    with recursive tree as (
      select ${shown}
      from ${item}
      where ${mayUse(sql`item.owner_id`, owner)} and item.id = ${id} and item.deleted_at is null
      union all
      select ${shown}
      from tree join ${item} on item.parent_id = tree.id
      where ${mayUse(sql`item.owner_id`, owner)} and item.deleted_at is null)`

  const family = db.lookup(
    'select family',
    { owner: 'text', id: 'uuid', parent: 'uuid' },
    sql`is_parent, depth`,
  )<Found>(
    asked => sql`
      select account.revision as as_of, ${node}, is_parent
      from users as account left join lateral (
        ${treeOf(asked.owner, asked.id, node)}
        select ${node}, false as is_parent
        from tree as item
        union all
        select ${node}, true
        from ${item}
        where ${mayUse(sql`item.owner_id`, asked.owner)} and item.id = ${asked.parent} and item.deleted_at is null) as item on true
      where ${mayUse(sql`account.id`, asked.owner)}`,
  )
  const unchanged = { ...matched, asOf: 'bigint', below: 'uuid[]' } as const
  const change = (asked: Asked<typeof unchanged>, callers: Callers) =>
    bumpRevision(asked, callers, sql`u.revision = ${asked.asOf} and exists (select from ${item} where ${current(asked)})`)
  const statements = {
    update: db.change('update tree', {
      ...{ ...fields.types, ...unchanged, cleared: 'text[]' },
      ...{ shift: 'integer', home: 'uuid', completes: 'boolean' },
    })<Task>(
      (asked, callers) => sql`
        ${change(asked, callers)},
        below as (
          update ${item}
          set depth = item.depth + ${asked.shift}, category_id = ${asked.home},
            completed_at = case when ${asked.completes} then coalesce(item.completed_at, (select now())) else item.completed_at end,
            revision = next, updated_at = now()
          from change ${callers.join(sql`change.owner_id`)}
          where ${mayUse(sql`item.owner_id`, asked.owner)} and item.id = any(${asked.below}) and item.deleted_at is null)
        update ${item}
        set ${fields.updated(asked, asked.cleared)}, revision = next, updated_at = now()
        from change ${callers.join(sql`change.owner_id`)}
        where ${current(asked)}
        returning item.owner_id as owner, ${columns}`,
    ),
    remove: db.change(
      'delete tree',
      unchanged,
    )<{ id: string }>(
      (asked, callers) => sql`
        ${change(asked, callers)}
        update ${item}
        set deleted_at = now(), revision = next, updated_at = now()
        from change ${callers.join(sql`change.owner_id`)}
        where ${mayUse(sql`item.owner_id`, asked.owner)} and (item.id = ${asked.id} or item.id = any(${asked.below})) and item.deleted_at is null
        returning item.owner_id as owner, item.id`,
    ),
  }

  /** The task `id` with everything below it, and the task `parent`, at one instant. */
  async function read(owner: string, id: string | null, parent: string | null): Promise<Family> {
    const found = await family({ owner, id, parent })
    const nodes = found.filter(each => each.isParent === false)
    return { asOf: found[0]?.asOf ?? 0, task: nodes[0], below: nodes.slice(1), parent: found.find(each => each.isParent) }
  }

  /** The row to insert, and the guard of its place. */
  async function placed(owner: string, input: Input, guard?: Guard): Promise<{ row: Placed; guard: Guard }> {
    const { asOf, parent } = await read(owner, null, input.parentId)
    const holds = async () => (await rows.currentRevision(owner)) === asOf && (guard === undefined || guard.holds())
    const match = guard?.match == null ? [asOf] : guard.match.filter(revision => revision === asOf)
    return { row: { ...input, ...placeBelow(parent, input) }, guard: { match, except: guard?.except ?? null, holds } }
  }

  return {
    create(owner: string, claims: Claims, id: string, input: Input, guard?: Guard): Promise<Task | undefined> {
      if (input.parentId === null) return rows.create(owner, claims, id, { ...input, depth: 0 }, guard)
      return settled(maxAttempts, async () => {
        const { row, guard: placeGuard } = await placed(owner, input, guard)
        return rows.create(owner, claims, id, row, placeGuard)
      })
    },

    async add(owner: string, claims: Claims, id: string, input: Input): Promise<Task | undefined> {
      if (input.parentId === null) return rows.add(owner, claims, id, { ...input, depth: 0 })
      const isThere = async () => (await rows.one(owner, id)).length > 0
      const result = await settled(maxAttempts, async () => {
        const { row, guard } = await placed(owner, input)
        return (await rows.add(owner, claims, id, row, guard)) ?? ((await isThere()) ? null : undefined)
      })
      return result ?? undefined
    },

    update(owner: string, id: string, allowed: Allowed, patch: Partial<Input>): Promise<Task[]> {
      if (patch.parentId === undefined && patch.categoryId === undefined && patch.completed !== true)
        return rows.update(owner, id, allowed, patch)
      return settled(maxAttempts, async () => {
        const found = await read(owner, id, patch.parentId ?? null)
        if (found.task === undefined || !isAllowed(allowed, found.task)) return []
        const { fields, ...rest } = place(found.task, found, patch)
        const row = { ...patch, ...fields, ...allowed, owner, id, asOf: found.asOf, ...rest }
        const changed = await statements.update({ ...row, cleared: cleared({ ...patch, ...fields }) }).catch(rows.refuse)
        return changed.length > 0 ? changed : undefined
      })
    },

    remove(owner: string, id: string, allowed: Allowed): Promise<object[]> {
      return settled(maxAttempts, async () => {
        const { asOf, task, below } = await read(owner, id, null)
        if (task === undefined || !isAllowed(allowed, task)) return []
        const removed = await statements.remove({ ...allowed, owner, id, asOf, below: below.map(each => each.id) })
        return removed.length > 0 ? removed : undefined
      })
    },

    /** The task and everything below it, each after its parent. */
    async tree(owner: string, id: string) {
      const order = sql`depth, created_at, id`
      const page = sql`
        (
          ${treeOf(sql`${owner}`, sql`${id}::uuid`, columns)}
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
