import { type Part, sql } from '../database/sql.ts'

/**
 * The condition of every statement on rows that have an owner: the caller may use them. A space belongs to its caller today, and the
 * pipeline has compared the two, so it is enough that the row belongs to the space.
 */
export const mayUse = (rowOwner: Part, owner: Part): Part => sql`${rowOwner} = ${owner}`
