// The filters of lists of tasks, and the lists that callers share a statement for. A first page without filters is quick however many tasks
// there are. One with the most frequent filters is quick in a small account; in a large one, the tasks with a rare value may be far down.
import type { Call } from '../contract/types.ts'
import type { Asked } from '../database/asked.ts'
import type { Database } from '../database/database.ts'
import { joined, type Part, sql } from '../database/sql.ts'
import { withRevision } from './revision.ts'
import type { createRows } from './rows.ts'
import type { Scan } from './scan.ts'
import { isSmallAccount, type Searched, sortedHits } from './search.ts'
import { type SortName, sorts } from './sort.ts'

type Query = Call<'listTasks'>['query']
type Rows = Searched & Pick<ReturnType<typeof createRows>, 'page'>

const common = { completed: 'boolean', priority: 'text[]', categoryId: 'uuid', label: 'text[]', q: 'text' } as const
const columns = { owner: 'text', count: 'integer', ...common } as const
type Asking = Asked<typeof columns>
type Common = keyof typeof common
type Name = Exclude<Common, 'q'>

// A subquery is evaluated once for a list, while a plan for any value would evaluate it for each row.
const conditions: Record<Name, (value: Part) => Part> = {
  completed: value => sql`and completed = ${value}`,
  priority: value => sql`and priority = any(${value}::text[]::task_priority[])`,
  categoryId: value => sql`and category_id = ${value}`,
  label: value => sql`and label_names @> (select folded_all(${value}::text[]))`,
}
const names = Object.keys(conditions) as Name[]

/** The conditions of a query but `q` and those by dates, each after an `and`. */
export function filters(query: Query): Part[] {
  const { parentId } = query
  const own = names.flatMap(name => (query[name] === undefined ? [] : [conditions[name](sql`${query[name]}`)]))
  if (parentId === undefined) return own
  return [...own, parentId === 'none' ? sql`and parent_id is null` : sql`and parent_id = ${parentId}`]
}

/**
 * Makes a function that reads the first page of a list. It returns undefined for a list that is not shared, and resolves with no row for one
 * with filters in a large account.
 */
export function createFirstPages<Row extends object>({ lookup }: Pick<Database, 'lookup'>, rows: Rows) {
  // One for each sort and set of filters that was asked for so far.
  const lists = new Map<string, ReturnType<typeof createList>>()

  function createList(sort: SortName, used: Common[]) {
    const { order, scans } = sorts[sort]
    const own = Object.fromEntries(['owner', 'count', ...used].map(name => [name, columns[name as keyof typeof columns]]))
    return lookup('select tasks', own as typeof columns, order)<Row>(asked => firstPage(rows, asked, used, order, scans()))
  }

  return (owner: string, { limit, sort, ...query }: Query): Promise<Row[]> | undefined => {
    const used = Object.keys(query).filter(name => query[name as keyof typeof query] !== undefined)
    if (sort === 'relevance' || !used.every(name => name in common)) return undefined
    const key = [sort, ...used.sort()].join()
    let list = lists.get(key)
    if (list === undefined) {
      list = createList(sort, used as Common[])
      lists.set(key, list)
    }
    const { completed, priority, categoryId, label, q } = query
    return list({ owner, count: limit + 1, completed, priority, categoryId, label, q })
  }
}

function firstPage(rows: Rows, asked: Asking, used: Common[], order: Part, scans: Scan[]): Part {
  const { owner, count, q } = asked
  const own = used.flatMap(name => (name === 'q' ? [] : [conditions[name](asked[name])]))
  if (used.length === 0) return rows.page(owner, sql``, order, count, scans)
  const found = used.includes('q')
    ? withRevision(owner, rows.columns, sql`(${sortedHits(rows, { owner, q, filters: own, scans, order, count })}) as item`)
    : rows.page(owner, joined(own), order, count, scans)
  return sql`${found} where ${isSmallAccount}`
}
