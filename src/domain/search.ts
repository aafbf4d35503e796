// The filter `q` of lists of tasks. PostgreSQL can't know how frequent a word is in one account, so it can't choose between the index of
// the sort and the index of the words.
// 1. In an account with few changes, and so with few tasks, the index of the words finds all matches, and they are sorted.
// 2. In any other account a second statement walks the first `walkedTasks` of the sort. If the word is frequent, they fill the page.
//    Otherwise it finds and sorts all matches too. Without reading their words, that costs 0.3 µs for a task.
// One statement for both costs small accounts a tenth more, and most accounts are small.
import type { Database } from '../database/database.ts'
import { constant, joined, type Part, sql } from '../database/sql.ts'
import { mayUse } from './access.ts'
import { withRevision } from './revision.ts'
import { inOrder, type Scan, within, withinAny } from './scan.ts'

/** A search in one account. `filters` are further conditions, each after an `and`. The scans read the tasks in the order. */
export type Search = { owner: Part; q: Part; filters: Part[]; scans: Scan[]; order: Part; count: Part }
/** What `createRows` knows of the table. */
export type Searched = { columns: Part; item: Part }

/**
 * More would take too long where descriptions are long: the words of one with 10,000 characters are unpacked in 80 µs. As a subquery, because
 * PostgreSQL expects a tenth of the account then. If it knew the number, it would read and sort a whole account of six times as many tasks.
 */
const walkedTasks = sql`(select 250)`
/** An account never has more tasks than changes. Below this number of changes, finding and sorting all matches is as quick. */
export const isSmallAccount = sql`changes < ${constant(1000)}`

/** The words of a `q`. As a subquery it is evaluated once for a statement, while a plan for any value would evaluate it for each row. */
export const askedWords = (owner: Part, q: Part): Part => sql`(select search_query(${owner}, search_text(${q})))`

export function createSearch<Row extends object>({ read }: Pick<Database, 'read'>, searched: Searched) {
  /** `isLarge`: it is known that the account is not small. */
  return async (search: Search, isLarge: boolean): Promise<Row[]> => {
    const { owner, order } = search
    const select = (page: Part, condition: Part) =>
      read<Row>('select tasks', sql`${withRevision(owner, searched.columns, sql`(${page}) as item`)} ${condition} order by ${order}`)
    const found = isLarge ? [] : await select(sortedHits(searched, search), sql`where ${isSmallAccount}`)
    return found.length > 0 ? found : select(walkedPage(searched, search), sql``)
  }
}

export function sortedHits(searched: Searched, search: Search): Part {
  const { order, count, scans, ...rest } = search
  return sql`
    select ${searched.columns}
    from (${hits(searched, { ...rest, after: [withinAny(scans)] })}) as item
    order by ${order}
    limit ${count}`
}

function walkedPage(searched: Searched, search: Search): Part {
  const { columns } = searched
  const { count } = search
  return sql`
    with walked as materialized (${walk(searched, search)})
    select ${columns}
    from walked as item
    where (select count(*) from walked) = ${count}
    union all
    select ${columns}
    from (${sortedHits(searched, search)}) as item
    where (select count(*) from walked) < ${count}`
}

/** The matches among the first tasks of the sort. */
function walk({ columns, item }: Searched, { owner, q, filters, scans, order, count }: Search): Part {
  const tasks = (scan: Scan) => sql`
    select ${columns}, words @@ ${askedWords(owner, q)} ${joined(filters)} as is_match
    from ${item}
    where ${mayUse(sql`owner_id`, owner)} and deleted_at is null ${within(scan)}`
  return sql`
    select ${columns}
    from (${inOrder(scans, order, walkedTasks, sql`${columns}, is_match`, tasks)}) as item
    where is_match
    order by ${order}
    limit ${count}`
}

/** Every task that matches, from the index of the words: `offset 0` keeps PostgreSQL from walking a whole account in the order of a sort. */
export function hits(
  { columns, item }: Searched,
  { owner, q, filters, after }: Pick<Search, 'owner' | 'q' | 'filters'> & { after: Part[] },
): Part {
  return sql`
    select ${columns}
    from ${item}
    where ${mayUse(sql`owner_id`, owner)} and deleted_at is null ${joined(after)}
      and words @@ ${askedWords(owner, q)} ${joined(filters)}
    offset 0`
}
