// Tombstones as items of the trash. A task and the tasks below it that were deleted in the same change
// are one item. They have the same `deleted_at`, the instant of that transaction, and their parents lead to the task.
import type { components } from '../../generated/api.ts'
import type { Call } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { type Part, sql } from '../database/sql.ts'
import { createPage, parseCursor, refuseCursor } from '../resource/page.ts'
import { mayUse } from './access.ts'
import type { Node } from './place.ts'
import { withRevision } from './revision.ts'
import { lifetime } from './tombstones.ts'

type Item = components['schemas']['TrashItem']
type Row = Pick<Node, 'id' | 'parentId' | 'categoryId' | 'depth'> & {
  deletedAt: string
  role: 'task' | 'below' | 'parent' | 'category' | null
}
/** An item, the tasks below it that were deleted with it, each after its parent, and its parent if that is there; at the revision `asOf`. */
export type Deleted = { asOf: number; item: Row; below: Row[]; parent: Row | undefined }

const sort = 'deletedAt'
const columns = sql`kind, id, title, count, deleted_at, expires_at`
const node = sql`item.id, item.parent_id, item.category_id, item.depth, item.deleted_at`

export function createTrashItems({ read, lookup }: Pick<Database, 'read' | 'lookup'>) {
  const select = lookup(
    'select trash item',
    { owner: 'text', id: 'uuid' },
    sql`depth`,
  )<Row & { asOf: number }>(
    asked => sql`
      select account.revision as as_of, role, ${node}
      from users as account left join lateral (${family(asked.owner, asked.id)}) as item on true
      where ${mayUse(sql`account.id`, asked.owner)}`,
  )

  return {
    /** A page of the items, with the revision of the account at the same instant. */
    async list(owner: string, { limit, cursor }: Call<'listTrash'>['query']) {
      const id = sql`${owner}`
      const text = sql`${withRevision(id, columns, sql`(${page(id, limit + 1, cursor)}) as item`)} order by deleted_at desc, id desc`
      const found = await read<Item & { asOf: number }>('select trash', text).catch(cursor === undefined ? undefined : refuseCursor)
      return createPage(found, limit, sort, item => item.deletedAt)
    },

    /** The item `id`; undefined if it is not in the trash. Of a task and a category with one id it is the task. */
    async one(owner: string, id: string): Promise<Deleted | undefined> {
      const found = await select({ owner, id })
      const of = (wanted: Row['role']) => found.filter(({ role }) => role === wanted)
      const [item] = [...of('task'), ...of('category')]
      return item && { asOf: item.asOf, item, below: item.role === 'task' ? of('below') : [], parent: of('parent')[0] }
    },
  }
}

/** The rows of tasks and categories that are items, the last deleted first. */
export function page(owner: Part, count: number, cursor: string | undefined): Part {
  const from = cursor === undefined ? undefined : parseCursor(cursor, sort)
  const after = from === undefined ? sql`` : sql`and (item.deleted_at, item.id) < (${from.key}, ${from.id})`
  return sql`
    select kind, id, title, deleted_at, deleted_at + ${lifetime} as expires_at, (${countBelow(owner)}) as count
    from (
      (
        select 'task' as kind, item.id, item.title, item.deleted_at
        from tasks as item
        where ${isItem(owner)} ${after}
        order by item.deleted_at desc, item.id desc
        limit ${count})
      union all
      (
        select 'category', item.id, item.name, item.deleted_at
        from categories as item
        where ${mayUse(sql`item.owner_id`, owner)} and item.deleted_at is not null ${after}
        order by item.deleted_at desc, item.id desc
        limit ${count})
      order by deleted_at desc, id desc
      limit ${count}) as page`
}

/** The condition on a task `item` that it was deleted, and not together with its parent. */
const isItem = (owner: Part) => sql`
  ${mayUse(sql`item.owner_id`, owner)} and item.deleted_at is not null and not exists (
    select from tasks as parent
    where ${mayUse(sql`parent.owner_id`, owner)} and parent.id = item.parent_id and parent.deleted_at = item.deleted_at)`

/** The tasks that were deleted together with a task of the relation `tree`, and are below it. */
const deletedBelow = (owner: Part, shown: Part) => sql`
  select ${shown}
  from tree join tasks as item on item.parent_id = tree.id
  where ${mayUse(sql`item.owner_id`, owner)} and item.deleted_at = tree.deleted_at`

const countBelow = (owner: Part) => sql`
  with recursive tree as (
    select page.id, page.deleted_at
    where page.kind = 'task'
    union all
    ${deletedBelow(owner, sql`item.id, item.deleted_at`)})
  select greatest(count(*) - 1, 0)::integer
  from tree`

const family = (owner: Part, id: Part) => sql`
  with recursive tree as (
    select 'task' as role, ${node}
    from tasks as item
    where ${isItem(owner)} and item.id = ${id}
    union all
    ${deletedBelow(owner, sql`'below', ${node}`)})
  select role, ${node}
  from tree as item
  union all
  select 'parent', ${node}
  from tasks as item
  where ${mayUse(sql`item.owner_id`, owner)} and item.id = (select parent_id from tree where role = 'task') and item.deleted_at is null
  union all
  select 'category', item.id, null, null, 0, item.deleted_at
  from categories as item
  where ${mayUse(sql`item.owner_id`, owner)} and item.id = ${id} and item.deleted_at is not null`
