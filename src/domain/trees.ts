// The statements on a task with everything below it. Each change holds only for the revision of the account that was read: a condition on
// other rows inside the statement would not do, because after waiting for the lock of the account it still sees the rows of before.
import { type Asked, asEach, records } from '../database/asked.ts'
import type { Callers } from '../database/batched-writes.ts'
import type { Database } from '../database/database.ts'
import { type Part, sql } from '../database/sql.ts'
import { columnsOf } from '../resource/fields.ts'
import { mayUse } from './access.ts'
import { type Family, type Node, nodeFields } from './place.ts'
import { bumpRevision } from './revision.ts'
import { type createRows, current, matched } from './rows.ts'
import type { Placed, Task } from './task.ts'

export type TaskRows = ReturnType<typeof createRows<Task, Placed>>
type Found = Node & { asOf: number; now: string; profileZone: string | null; isParent: boolean | null }

const read = { ...matched, asOf: 'bigint' } as const
const placed = { cleared: 'text[]', below: 'uuid[]', shift: 'integer', home: 'uuid', completes: 'boolean' } as const
const dates = { dueDate: 'date', startDate: 'date', deadlineDate: 'date', reminders: 'jsonb', recurrence: 'jsonb' } as const
const move = { id: 'uuid', ...dates } as const
const copy = { ...move, source: 'uuid', parentId: 'uuid', depth: 'integer', place: 'integer' } as const

export function createTrees(db: Database, { item, columns, fields, hasRoomFor }: TaskRows) {
  const node = columnsOf(nodeFields)
  const changed = { ...fields.types, ...read, ...placed }

  const family = db.lookup(
    'select family',
    { owner: 'text', id: 'uuid', parent: 'uuid' },
    sql`is_parent, depth, created_at, id`,
  )<Found>(
    asked => sql`
      select account.revision as as_of, now() as now, account.time_zone as profile_zone, ${node}, is_parent
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

  return {
    treeOf,

    /** The task `id` with everything below it, and the task `parent`, at one instant. */
    async read(owner: string, id: string | null, parent: string | null): Promise<Family> {
      const found = await family({ owner, id, parent })
      const { asOf = 0, now = '', profileZone = null } = found[0] ?? {}
      const nodes = found.filter(each => each.isParent === false)
      return { asOf, now, profileZone, task: nodes[0], below: nodes.slice(1), parent: found.find(each => each.isParent) }
    },

    update: db.change(
      'update tree',
      changed,
    )<Task>(
      (asked, callers) => sql`
        ${change(asked, callers)},
        ${updatedBelow(asked, callers)}
        ${updated(asked, callers)}`,
    ),

    /** Updates a task that is completed, and inserts its next occurrence: copies of the task as it is then, and of tasks below it. */
    complete: db.change('complete occurrence', { ...changed, nextOccurrenceId: 'uuid', copies: 'jsonb' })<Task>((asked, callers) => {
      const each = asEach(copy)
      const count = sql`jsonb_array_length(${asked.copies})`
      const created = sql`${callers.now} + each.place * interval '1 microsecond'` // lists show the copies in the order of their sources
      return sql`
        ${change(asked, callers, sql`and (${count} = 0 or ${hasRoomFor(count)})`, sql`greatest(${count}, 1)`)},
        ${updatedBelow(asked, callers)},
        completed as (
          ${updated(asked, callers)}),
        next_occurrence as (
          insert into tasks as copy (owner_id, id, ${fields.columns}, revision, created_at, updated_at)
          select change.owner_id, each.id, ${fields.copied({ ...each, completed: sql`null`, categoryId: asked.home, nextOccurrenceId: sql`null` })}, next,
            ${created}, ${created}
          from change ${callers.join(sql`change.owner_id`)}
          cross join ${records(asked.copies, copy)}
          cross join lateral (
            select ${columns}
            from completed as item
            where item.owner = change.owner_id and item.id = each.source
            union all
            select ${columns}
            from ${item}
            where ${mayUse(sql`item.owner_id`, asked.owner)} and item.id = each.source and item.id <> ${asked.id} and item.deleted_at is null) as item)
        select item.owner, ${columns}
        from completed as item`
    }),

    /** Moves the dates of the task and of those below it, and reopens these. */
    move: db.change('skip occurrence', { ...read, moves: 'jsonb' })<Task>((asked, callers) => {
      const each = asEach(move)
      return sql`
        ${change(asked, callers)}
        update ${item}
        set due_date = ${each.dueDate}, start_date = ${each.startDate}, deadline_date = ${each.deadlineDate}, reminders = ${each.reminders},
          recurrence = ${each.recurrence}, completed_at = null, revision = next, updated_at = ${callers.now}
        from change ${callers.join(sql`change.owner_id`)}
        cross join ${records(asked.moves, move)}
        where ${mayUse(sql`item.owner_id`, asked.owner)} and item.id = ${each.id} and item.deleted_at is null
        returning item.owner_id as owner, ${columns}`
    }),

    remove: db.change('delete tree', { ...read, below: 'uuid[]' })<{ id: string }>(
      (asked, callers) => sql`
        ${change(asked, callers)}
        update ${item}
        set deleted_at = ${callers.now}, revision = next, updated_at = ${callers.now}
        from change ${callers.join(sql`change.owner_id`)}
        where ${mayUse(sql`item.owner_id`, asked.owner)} and (item.id = ${asked.id} or item.id = any(${asked.below})) and item.deleted_at is null
        returning item.owner_id as owner, item.id`,
    ),
  }

  /** `with recursive tree`: the task `item` and what is below it. */
  function treeOf(owner: Part, id: Part, shown: Part): Part {
    return sql`
      with recursive tree as (
        select ${shown}
        from ${item}
        where ${mayUse(sql`item.owner_id`, owner)} and item.id = ${id} and item.deleted_at is null
        union all
        select ${shown}
        from tree join ${item} on item.parent_id = tree.id
        where ${mayUse(sql`item.owner_id`, owner)} and item.deleted_at is null)`
  }

  function change(asked: Asked<typeof read>, callers: Callers, allowed = sql``, by?: Part): Part {
    const holds = sql`u.revision = ${asked.asOf} and exists (select from ${item} where ${current(asked)}) ${allowed}`
    return bumpRevision(asked, callers, holds, by)
  }

  function updatedBelow(asked: Asked<typeof changed>, callers: Callers): Part {
    return sql`
      below as (
        update ${item}
        set depth = item.depth + ${asked.shift}, category_id = ${asked.home},
          completed_at = case when ${asked.completes} then coalesce(item.completed_at, (select now())) else item.completed_at end,
          revision = next, updated_at = ${callers.now}
        from change ${callers.join(sql`change.owner_id`)}
        where ${mayUse(sql`item.owner_id`, asked.owner)} and item.id = any(${asked.below}) and item.deleted_at is null)`
  }

  function updated(asked: Asked<typeof changed>, callers: Callers): Part {
    return sql`
      update ${item}
      set ${fields.updated(asked, asked.cleared)}, revision = next, updated_at = ${callers.now}
      from change ${callers.join(sql`change.owner_id`)}
      where ${current(asked)}
      returning item.owner_id as owner, ${columns}`
  }
}
