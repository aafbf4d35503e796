// The statements on the trash: restore an item, remove one, remove all. An item is read first with the revision of the account, and the
// change is made only if the account still has it, as with subtasks.
import type { components } from '../../generated/api.ts'
import { Problem } from '../contract/problem.ts'
import type { Asked } from '../database/asked.ts'
import type { Callers } from '../database/batched-writes.ts'
import type { Database } from '../database/database.ts'
import { errorCode } from '../database/errors.ts'
import { type Part, sql } from '../database/sql.ts'
import { mayUse } from './access.ts'
import { createCategories } from './categories.ts'
import { placeAgain } from './place.ts'
import { bumpRevision, createRevision, settled } from './revision.ts'
import type { Task } from './task.ts'
import { createTasks } from './tasks.ts'
import { oldest, purge } from './tombstones.ts'
import { createTrashItems, type Deleted } from './trash-items.ts'

type Category = components['schemas']['Category']
/** Throws if the account at this revision must not be changed. */
type Check = (revision: number) => void

const maxAttempts = 20 // each loses a race with another change of the account
const maxPurged = 1_000 // rows in a statement, so that it ends in time
const asOf = { owner: 'text', id: 'uuid', asOf: 'bigint' } as const

export function createTrash(db: Database) {
  const tasks = createTasks(db)
  const categories = createCategories(db)
  const currentRevision = createRevision(db)
  const { list, one } = createTrashItems(db)
  const statements = {
    task: db.change('restore task', {
      ...asOf,
      below: 'uuid[]',
      shift: 'integer',
      parentId: 'uuid',
      depth: 'integer',
      categoryId: 'uuid',
    })<Task>(
      (asked, callers) => sql`
        ${bumpRevision(asked, callers, sql`u.revision = ${asked.asOf}`)},
        below as (
          ${restored(sql`tasks`, callers, sql`depth = item.depth + ${asked.shift}, category_id = ${asked.categoryId},`)}
          where ${mayUse(sql`item.owner_id`, asked.owner)} and item.id = any(${asked.below}) and item.deleted_at is not null)
        ${restored(sql`tasks`, callers, sql`parent_id = ${asked.parentId}, depth = ${asked.depth}, category_id = ${asked.categoryId},`)}
        where ${tombstone(asked)}
        returning item.owner_id as owner, ${tasks.columns}`,
    ),
    category: db.change(
      'restore category',
      asOf,
    )<Category>(
      (asked, callers) => sql`
        ${bumpRevision(asked, callers, sql`u.revision = ${asked.asOf}`)}
        ${restored(sql`categories`, callers, sql``)}
        where ${tombstone(asked)}
        returning item.owner_id as owner, ${categories.columns}`,
    ),
  }

  return {
    currentRevision,
    list,

    /** Brings back exactly what was deleted in one change. */
    restore(owner: string, id: string, check: Check): Promise<Task | Category> {
      return settled<Task | Category>(maxAttempts, async () => {
        const found = await read(owner, id, check)
        const restore = found.item.role === 'category' ? restoreCategory : restoreTask
        const [row] = await restore(owner, found)
        return row
      })
    },

    /** Removes an item with everything that was deleted with it. The deepest tasks go first, so that the rest is still one item. */
    async purge(owner: string, id: string, check: Check): Promise<void> {
      const { found, rest } = await settled(maxAttempts, async () => {
        const found = await read(owner, id, check)
        const [first = [], ...rest] = batches(found)
        const removed = await removeBatch(owner, found, first, sql`and revision = ${found.asOf}`)
        return removed === undefined ? undefined : { found, rest }
      })
      for (const batch of rest) await removeBatch(owner, found, batch)
    },

    /** Removes everything. */
    async empty(owner: string, check: Check): Promise<void> {
      let removed = await settled(maxAttempts, async () => {
        const revision = await currentRevision(owner)
        check(revision)
        return revision === 0 ? 0 : removeOldest(owner, sql`and revision = ${revision}`)
      })
      while (removed > 0) removed = (await removeOldest(owner)) ?? 0
    },
  }

  async function read(owner: string, id: string, check: Check): Promise<Deleted> {
    const found = await one(owner, id)
    if (found === undefined) throw new Problem('not-found')
    check(found.asOf)
    return found
  }

  function restoreTask(owner: string, { asOf, item, below, parent }: Deleted): Promise<Task[]> {
    const { parentId, depth, categoryId } = placeAgain(item, below, parent)
    const ids = below.map(({ id }) => id)
    return statements.task({ owner, id: item.id, asOf, below: ids, shift: depth - item.depth, parentId, depth, categoryId })
  }

  function restoreCategory(owner: string, { asOf, item }: Deleted): Promise<Category[]> {
    return statements.category({ owner, id: item.id, asOf }).catch(refuse)
  }

  /** Resolves with the number of rows that are gone; with undefined if the account is not `held`. Rows that were restored meanwhile stay. */
  async function removeBatch(owner: string, { item }: Deleted, ids: string[], held = sql``): Promise<number | undefined> {
    const name = item.role === 'category' ? 'categories' : 'tasks'
    const items = { [name]: sql`and item.id = any(${ids}::uuid[]) and item.deleted_at = ${item.deletedAt}` }
    const [account] = await db.write<{ rows: number }>('purge trash item', purge({ owner: sql`${owner}`, items, held }))
    return account?.rows
  }

  async function removeOldest(owner: string, held = sql``): Promise<number | undefined> {
    const id = sql`${owner}`
    const items = { tasks: oldest('tasks', id, maxPurged), categories: oldest('categories', id, maxPurged) }
    const [account] = await db.write<{ rows: number }>('empty trash', purge({ owner: id, items, held }))
    return account?.rows
  }
}

const restored = (table: Part, callers: Callers, set: Part) => sql`
  update ${table} as item
  set deleted_at = null, ${set} revision = next, updated_at = ${callers.now}
  from change ${callers.join(sql`change.owner_id`)}`

const tombstone = (asked: Asked<typeof asOf>) => sql`
  ${mayUse(sql`item.owner_id`, asked.owner)} and item.id = ${asked.id} and item.deleted_at is not null`

/** The ids of an item and what is below it, the deepest first. */
function batches({ item, below }: Deleted): string[][] {
  const ids = [item, ...below].map(({ id }) => id).reverse()
  return Array.from({ length: Math.ceil(ids.length / maxPurged) }, (_, i) => ids.slice(i * maxPurged, (i + 1) * maxPurged))
}

function refuse(error: unknown): never {
  if (errorCode(error) !== '23505') throw error
  throw new Problem('conflict', {
    detail: 'Another category has the name of this one, or one that looks alike.',
    errors: [{ pointer: '/itemId', location: 'path', code: 'taken', message: 'looks like another category' }],
    cause: error,
  })
}
