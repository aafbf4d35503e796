// Everything in an account, read page by page while the client takes its time and others write.
//
// A transaction in one snapshot would give one instant, but it would keep a connection, and old rows from being vacuumed, for as long as the
// slowest client reads. So each page is a statement of its own, and what changed meanwhile follows at the end, by its revision.
import type { components } from '../../generated/api.ts'
import type { Claims } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { type Part, sql } from '../database/sql.ts'
import { createPage } from '../resource/page.ts'
import { mayUse } from './access.ts'
import { createCategories } from './categories.ts'
import { busyAccount, withRevision } from './revision.ts'
import type { Task } from './task.ts'
import { createTasks } from './tasks.ts'
import { createUsers } from './users.ts'

type Profile = components['schemas']['User']
type Category = components['schemas']['Category']
/** A task with the name of its category at the same instant. */
type Named = Task & { category: string | null }
/** The rows that one step has read. A row that comes again has changed: its last one counts. */
export type ExportPage = { profile?: Profile; categories?: Category[]; tasks: Named[] }
type Position = { revision: number; id: string }

/** Tasks with their categories are read in pages of so many. */
export const pageSize = 500
const maxDepth = 7
const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
// Each round has the changes that came while the client read the round before: only writers that are faster than the client reach this.
const maxRounds = 500

export function createExport(db: Database) {
  const users = createUsers(db)
  const categories = createCategories(db)
  const tasks = createTasks(db)

  /** Resolves with the pages when there is something to read. Makes the account on first contact, as reading the profile does. */
  return async (owner: string, claims: Claims): Promise<AsyncGenerator<ExportPage, void>> => {
    await users.ensure(owner, claims)
    const since = await tasks.currentRevision(owner)
    const profile = await profileSince(owner, 0)
    return pages(owner, since, { ...profile, categories: await categoriesSince(owner, 0), tasks: [] })
  }

  async function* pages(owner: string, since: number, first: ExportPage): AsyncGenerator<ExportPage, void> {
    yield first
    // Parents come before their subtasks. A depth without tasks has none below it, unless they are changes.
    for (let depth = 0; depth <= maxDepth; depth++) {
      let count = 0
      for await (const page of pagesById(after => tasksAfter(owner, depth, after))) {
        count += page.length
        yield { tasks: page }
      }
      if (count === 0) break
    }
    yield* changes(owner, since)
  }

  /**
   * The changes since a revision, in rounds, until a round ends without a new change. All pages together then show the account at one instant,
   * apart from deleted rows. A task that moved to a depth that was read before is only here.
   */
  async function* changes(owner: string, since: number): AsyncGenerator<ExportPage, void> {
    let [seen, from] = [since, { revision: since, id: lastId }]
    for (let round = 0; round < maxRounds; round++) {
      const before = await tasks.currentRevision(owner)
      if (before === seen) return
      const profile = await profileSince(owner, seen)
      const changed = await categoriesSince(owner, seen)
      const { revision, body } = await tasksSince(owner, from)
      yield { ...profile, categories: changed, tasks: body.items }
      const last = body.nextCursor === null ? undefined : body.items.at(-1)
      if (last === undefined && revision === before) return
      from = last ?? { revision: before, id: lastId }
      seen = last === undefined ? before : seen
    }
    throw busyAccount()
  }

  async function profileSince(owner: string, revision: number): Promise<{ profile?: Profile }> {
    const [profile] = await users.one(owner)
    return profile !== undefined && profile.revision > revision ? { profile } : {}
  }

  function categoriesSince(owner: string, revision: number): Promise<Category[]> {
    return db.read(
      'export categories',
      sql`
        select ${categories.columns}
        from categories as item
        where ${mayUse(sql`item.owner_id`, sql`${owner}`)} and item.deleted_at is null and item.revision > ${revision}
        order by item.id`,
    )
  }

  function tasksAfter(owner: string, depth: number, after: string): Promise<Named[]> {
    return db.read(
      'export tasks',
      sql`
        select ${tasks.columns}, named.name as category
        from ${withCategory(owner)}
        where ${mayUse(sql`item.owner_id`, sql`${owner}`)} and item.deleted_at is null and item.depth = ${depth} and item.id > ${after}
        order by item.id
        limit ${pageSize}`,
    )
  }

  async function tasksSince(owner: string, { revision, id }: Position) {
    const page = sql`
      (
        select ${tasks.columns}, named.name as category
        from ${withCategory(owner)}
        where ${mayUse(sql`item.owner_id`, sql`${owner}`)} and item.deleted_at is null and (item.revision, item.id) > (${revision}, ${id})
        order by item.revision, item.id
        limit ${pageSize + 1}) as item`
    const text = withRevision(sql`${owner}`, sql`${tasks.columns}, item.category`, page)
    const found = await db.read<Named & { asOf: number }>('export changes', sql`${text} order by item.revision, item.id`)
    return createPage<Named>(found, pageSize, '', () => null)
  }
}

/** Pages in the order of the ids, each read when it is asked for. `read` reads one with the ids after another. */
export async function* pagesById<Row extends { id: string }>(read: (after: string) => Promise<Row[]>): AsyncGenerator<Row[], void> {
  for (let after: string | undefined = '00000000-0000-0000-0000-000000000000'; after !== undefined; ) {
    const page: Row[] = await read(after)
    yield page
    after = page.length < pageSize ? undefined : page.at(-1)?.id
  }
}

/** The tasks `item`, each with the category `named` that it is in. */
export const withCategory = (owner: string): Part => sql`
  tasks as item left join (
    select category.id, category.name
    from categories as category
    where ${mayUse(sql`category.owner_id`, sql`${owner}`)} and category.deleted_at is null) as named on named.id = item.category_id`
