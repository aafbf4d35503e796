// Whoever asks the same in the same moment is served by one statement: most of what a small statement costs is its way to
// PostgreSQL and back, and of a change the commit.

import type { Sent, Steps } from '../observe/spans.ts'
import type { Statement } from './sql.ts'

/** `shared` by several people: then it waits for nobody's lock. */
export type Shareable = Statement & { shared: boolean }
/** Sends a statement, which it takes as late as it can: until then others join in. Rejects with what PostgreSQL says, or a problem. */
export type Send = <Row>(statement: () => Shareable) => Promise<Row[]>

export type Forms<Values, Row> = {
  alone: (values: Values) => Statement
  /** One statement for several, and what finds the rows of each in its rows: undefined for who must be served alone. */
  together: (several: Values[]) => { statement: Statement; sort: (rows: Row[]) => (Row[] | undefined)[] }
  /** Whether somebody can share a statement with another; by default everybody can. */
  joins?: (values: Values, other: Values) => boolean
}

type Waiting<Values, Row> = {
  values: Values
  sent: Sent | undefined
  resolve: (rows: Row[]) => void
  reject: (error: unknown) => void
}

const most = 16 // in a statement: more save little, and the last would wait for the first

/** Makes a function that serves one, together with others where there are some. */
export function batched<Values, Row>(send: Send, steps: Steps | null, { alone, together, joins = () => true }: Forms<Values, Row>) {
  let open: Waiting<Values, Row>[] = []

  async function serve(several: Waiting<Values, Row>[]) {
    const close = () => {
      if (open === several) open = []
    }
    try {
      let sort = (rows: Row[]): (Row[] | undefined)[] => [rows]
      const rows = await send<Row>(() => {
        close()
        const all = several.map(({ values }) => values)
        if (all.length === 1) return told(several, alone(all[0] as Values))
        const made = together(all)
        sort = made.sort
        return told(several, made.statement)
      })
      for (const [index, own] of sort(rows).entries()) {
        const each = several[index] as Waiting<Values, Row>
        if (own === undefined) void serve([each])
        else each.resolve(own)
      }
    } catch (error) {
      close() // where no connection came free
      // What one asked may be the mistake: then it is not the others'.
      if (several.length > 1 && isRefused(error)) for (const each of several) void serve([each])
      else for (const { reject } of several) reject(error)
    }
  }

  function told(several: Waiting<Values, Row>[], statement: Statement): Shareable {
    if (steps !== null) for (const { sent } of several) sent?.(statement, several.length)
    return { ...statement, shared: several.length > 1 }
  }

  function ask(values: Values, sent?: Sent): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      if (open.length === most || !open.every(other => joins(values, other.values))) open = []
      if (open.length === 0) setImmediate(serve, open)
      open.push({ values, sent, resolve, reject })
    })
  }

  return steps === null ? (values: Values) => ask(values) : (values: Values) => steps.statement(sent => ask(values, sent))
}

/** The text with parameters for the columns of `asked`. */
export function given(text: string, types: Record<string, string>): string {
  const columns = Object.keys(types)
  return text.replace(/\basked\.(\w+)/g, (_, column) => `$${columns.indexOf(column) + 1}::${types[column]}`)
}

/** The relation `asked` out of the first parameter. Of arrays PostgreSQL would think anew how many there are, and plan every statement again. */
export function recordset(types: Record<string, string>): string {
  const columns = Object.entries(types).map(([column, type]) => `${column} ${type}`)
  return `json_to_recordset($1::text::json) as asked (${columns.join(', ')})`
}

/** PostgreSQL has said no: nothing of the statement has happened. */
function isRefused(error: unknown) {
  return error instanceof Error && 'severity' in error
}
