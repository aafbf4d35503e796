// Removing tombstones for good, and finding those that are too old.
import { type Document, document } from '../contract/document.ts'
import type { Database } from '../database/database.ts'
import { constant, joined, type Part, sql } from '../database/sql.ts'
import { mayUse } from './access.ts'

const tables = { tasks: sql`tasks`, categories: sql`categories`, calendars: sql`calendars`, webhooks: sql`webhooks` }
const purged = {
  ...{ tasks: sql`purged_tasks`, categories: sql`purged_categories`, calendars: sql`purged_calendars` },
  webhooks: sql`purged_webhooks`,
}
const names = ['tasks', 'categories', 'calendars', 'webhooks'] as const
type Name = keyof typeof tables

type Purge = {
  owner: Part
  /** the tombstones to remove of each table, as a condition on `item` that begins with `and` */
  items: Partial<Record<Name, Part>>
  /** a further condition on the account, that begins with `and` */
  held?: Part
  /** what to do if another transaction holds the account, such as `skip locked`; waits for it without */
  busy?: Part
  /** whether it is a part of a change that has bumped the revision */
  isPart?: boolean
}

/** The days after which the server removes what was deleted, from the spec. */
export const trashDays = (document as Document & { 'x-trash-days': number })['x-trash-days']
/** How long a tombstone is kept, as an interval. */
export const lifetime = sql`interval ${constant(`${trashDays} days`)}`

const batchSize = 500 // small, because other changes of the account wait for the statement
const maxFound = 1_000

/**
 * The statement that removes tombstones. It raises the floor below which a delta would miss them, and the revision of the account,
 * because the trash shows them. Locks the account first, as every change does: in another order two changes could wait for each other.
 * Returns how many `rows` it has removed; no row if it did not get the account.
 */
export function purge({ owner, items, held = sql``, busy = sql``, isPart = false }: Purge): Part {
  const each = Object.entries(items) as [Name, Part][]
  const removals = each.map(
    ([name, condition]) => sql`
      ${purged[name]} as (
        delete from ${tables[name]} as item
        using account
        where ${mayUse(sql`item.owner_id`, owner)} and item.owner_id = account.id and item.deleted_at is not null ${condition}
        returning item.revision)`,
  )
  const revisions = each.map(([name]) => sql`select revision from ${purged[name]}`)
  return sql`
    with account as (
      select id
      from users
      where ${mayUse(sql`id`, owner)} ${held}
      for no key update ${busy}),
    ${joined(removals, ',')},
    purged as (
      ${joined(revisions, ' union all ')}),
    raised as (
      update users
      set revision = revision + ${constant(isPart ? 0 : 1)}, purged_revision = greatest(purged_revision, (select max(revision) from purged))
      where ${mayUse(sql`id`, owner)} and exists (select from purged))
    select (select count(*)::integer from purged) as rows
    from account`
}

/** `and …`: one of the oldest tombstones of a table. Of those that were deleted together, the deepest come first: the others remain a whole. */
export function oldest(name: Name, owner: Part, count: number, condition = sql`deleted_at is not null`): Part {
  const order = name === 'tasks' ? sql`deleted_at, depth desc` : sql`deleted_at`
  return sql`
    and item.id = any (array(
      select id
      from ${tables[name]}
      where ${mayUse(sql`owner_id`, owner)} and ${condition}
      order by ${order}
      limit ${constant(count)}))`
}

/** Finds and removes what has been in the trash for too long. */
export function createTombstoneExpiry({ read, write }: Pick<Database, 'read' | 'write'>) {
  const isOver = (deletedAt: Part) => sql`${deletedAt} < now() - ${lifetime}`

  return {
    /**
     * Some owners of such tombstones, those of the oldest first. Only this statement and that of old replies read rows of all owners. They
     * return nothing else.
     */
    async owners(): Promise<string[]> {
      const find = (name: Name) =>
        read<{ ownerId: string }>(
          `select owners of old ${name}`,
          sql`
            select owner_id from ${tables[name]} where ${isOver(sql`deleted_at`)}
            order by deleted_at
            limit ${constant(maxFound)}`,
        )
      const found = new Set<string>()
      for (const name of names) for (const { ownerId } of await find(name)) found.add(ownerId)
      return [...found]
    },

    /** Removes some of an owner, and resolves with their number: 0 too if another transaction holds the account. */
    async purge(owner: string): Promise<number> {
      const id = sql`${owner}`
      const items = (name: Name) => sql`${oldest(name, id, batchSize, isOver(sql`deleted_at`))} and ${isOver(sql`item.deleted_at`)}`
      const text = purge({ owner: id, items: Object.fromEntries(names.map(name => [name, items(name)])), busy: sql`skip locked` })
      const [account] = await write<{ rows: number }>('purge old tombstones', text)
      return account?.rows ?? 0
    },
  }
}
