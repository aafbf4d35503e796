// Rows that an index has in an order. Most orders are one scan. One that the index has in two parts is two scans that follow each other.
import { joined, type Part, sql } from '../database/sql.ts'

export type Scan = {
  /** the rows of the scan; all if there is none */
  condition?: Part
  order: Part
}

/** `and …`; nothing if the scan has all rows. */
export const within = ({ condition }: Scan): Part => (condition === undefined ? sql`` : sql`and ${condition}`)

/** `and …`: the rows of any of the scans. */
export function withinAny(scans: Scan[]): Part {
  const conditions = scans.flatMap(({ condition }) => condition ?? [])
  return conditions.length < scans.length ? sql`` : sql`and (${joined(conditions, ' or ')})`
}

/** The first `count` rows in the order of all scans. `rows` is a query of the rows of one, without order, and shows these columns of `item`. */
export function inOrder(scans: Scan[], order: Part, count: Part, columns: Part, rows: (scan: Scan) => Part): Part {
  const parts = scans.map(scan => sql`${rows(scan)} order by ${scan.order} limit ${count}`)
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return only
  const all = joined(
    parts.map(part => sql`(${part})`),
    ' union all ',
  )
  return sql`select ${columns} from (${all}) as item order by ${order} limit ${count}`
}
