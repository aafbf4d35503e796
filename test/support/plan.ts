// The plan of a statement as the server sends it.
import type postgres from 'postgres'
import type { Statement } from '../../src/database/sql.ts'

export type Plan = {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Index Cond'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  Plans?: Plan[]
}

/** `custom`: for the values of the statement, `generic`: for any values. PostgreSQL uses the second for a statement that is sent often. */
export const planModes = ['custom', 'generic'] as const

/** All nodes. With the option `analyze` the statement is executed, and they have the figures of that. */
export function planOf(sql: postgres.Sql, { text, values }: Statement, mode: (typeof planModes)[number], options = 'costs off') {
  return sql.begin(async sql => {
    await sql`select set_config('plan_cache_mode', ${`force_${mode}_plan`}, true)`
    await sql.unsafe(`prepare asked as ${text}`)
    const [row] = await sql.unsafe<[{ 'QUERY PLAN': [{ Plan: Plan }] }]>(
      `explain (${options}, format json) execute asked (${values.map(literal).join()})`,
    )
    await sql.unsafe('deallocate asked')
    return nodes(row['QUERY PLAN'][0].Plan)
  })
}

const literal = (value: unknown) => `'${Array.isArray(value) ? `{${value.join()}}` : value}'`
const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)]
