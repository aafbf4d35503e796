// Whoever asks the same in the same moment is served by one statement: most of what a small statement costs is its way to
// PostgreSQL and back, and of a change the commit.
import type { Statement } from './sql.ts'
import type { Sent, Steps } from './steps.ts'

/** Sends a statement, which it takes as late as it can: until then others join in. Rejects with what PostgreSQL says, or a problem. */
export type Send = <Row>(statement: () => Statement) => Promise<Row[]>

export type Forms<Values, Row> = {
  alone: (values: Values) => Statement
  /** One statement for several, and what finds the rows of each in its rows: undefined for who must be served alone. */
  together: (several: Values[]) => { statement: Statement; sort: (rows: Row[]) => (Row[] | undefined)[] }
  /** Whether one more can join; by default everybody can. */
  joins?: (values: Values, several: Values[]) => boolean
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

  function told(several: Waiting<Values, Row>[], statement: Statement) {
    if (steps !== null) for (const { sent } of several) sent?.(statement, several.length)
    return statement
  }

  function ask(values: Values, sent?: Sent): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      if (
        open.length === most ||
        !joins(
          values,
          open.map(waiting => waiting.values),
        )
      )
        open = []
      if (open.length === 0) setImmediate(serve, open)
      open.push({ values, sent, resolve, reject })
    })
  }

  return steps === null ? (values: Values) => ask(values) : (values: Values) => steps.statement(sent => ask(values, sent))
}

/** PostgreSQL has said no: nothing of the statement has happened. */
function isRefused(error: unknown) {
  return error instanceof Error && 'severity' in error
}
