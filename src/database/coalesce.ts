// Callers that ask the same in the same moment share one statement, as DataLoader does: most of what a small statement costs is its round
// trip to PostgreSQL, and of a change the commit.
import type { Sent, Steps } from '../observe/spans.ts'
import { isUnsupported } from './errors.ts'
import type { Sharing } from './sharing.ts'
import type { Statement } from './sql.ts'

/** `shared` by several callers: then it waits for no caller's lock. */
export type Shareable = Statement & { shared: boolean }
/** Sends a statement, which it takes as late as it can: until then others join in. Rejects with the error of PostgreSQL, or a problem. */
export type Send = <Row>(statement: () => Shareable) => Promise<Row[]>

export type Forms<Values, Row> = {
  /** The statement for one caller. */
  single: (values: Values) => Statement
  /** The statement for several, and what splits its rows among them: undefined for a caller that must be served alone. */
  shared: (several: Values[]) => { statement: Statement; split: (rows: Row[]) => (Row[] | undefined)[] }
  /** Whether a caller can share a statement with another. */
  joins: (values: Values, other: Values) => boolean
  /** How many rows a caller reads or writes, as far as that is known. */
  rows: (values: Values) => number
}

type Waiting<Values, Row> = {
  values: Values
  sent: Sent | undefined
  resolve: (rows: Row[]) => void
  reject: (error: unknown) => void
}

const maxCallers = 32 // in a statement: more save little, and the last would wait for the first
const maxRows = 1_600 // in a statement with several callers, so that it ends long before its timeout

/** How callers are served: what sends their statements, whether they share them, and whether the caller of this moment must be served alone. */
export type Route = { send: Send; sharing: Sharing; steps: Steps | null; isAlone: () => boolean }

/** Makes a function that serves one caller, together with others where there are some. */
export function createCoalescer<Values, Row>(
  { send, sharing, steps, isAlone }: Route,
  { single, shared, joins, rows }: Forms<Values, Row>,
) {
  let open: Waiting<Values, Row>[] = []
  let openRows = 0

  function ask(values: Values, sent?: Sent): Promise<Row[]> {
    if (isAlone()) return send(() => ({ ...(sent?.(single(values)) ?? single(values)), shared: false }))
    return new Promise((resolve, reject) => {
      const own = rows(values)
      const isFull = open.length === maxCallers || openRows + own > maxRows
      if (!sharing.isOn() || isFull || !open.every(other => joins(values, other.values))) open = []
      if (open.length === 0) {
        setImmediate(serve, open)
        openRows = 0
      }
      open.push({ values, sent, resolve, reject })
      openRows += own
    })
  }

  async function serve(several: Waiting<Values, Row>[]) {
    const close = () => {
      if (open === several) open = []
    }
    try {
      let split = (rows: Row[]): (Row[] | undefined)[] => [rows]
      const found = await send<Row>(() => {
        close()
        const all = several.map(({ values }) => values)
        if (all.length === 1) return noted(several, single(all[0] as Values))
        const together = shared(all)
        split = together.split
        return noted(several, together.statement)
      })
      for (const [index, own] of split(found).entries()) {
        const caller = several[index] as Waiting<Values, Row>
        if (own === undefined) void serve([caller])
        else caller.resolve(own)
      }
    } catch (error) {
      close() // where no connection came free
      if (several.length > 1 && isUnsupported(error)) sharing.stop(error)
      // The values of one caller may be the reason: the others must not get its error.
      if (several.length > 1 && isRefused(error))
        for (const part of sharing.isOn() ? halves(several) : several.map(each => [each])) void serve(part)
      else for (const { reject } of several) reject(error)
    }
  }

  function noted(several: Waiting<Values, Row>[], statement: Statement): Shareable {
    if (steps !== null) for (const { sent } of several) sent?.(statement, several.length)
    return { ...statement, shared: several.length > 1 }
  }

  return steps === null ? (values: Values) => ask(values) : (values: Values) => steps.statement(sent => ask(values, sent))
}

function halves<Item>(items: Item[]): Item[][] {
  const half = Math.ceil(items.length / 2)
  return [items.slice(0, half), items.slice(half)]
}

/** PostgreSQL has refused the statement: nothing of it has happened. */
function isRefused(error: unknown) {
  return error instanceof Error && 'severity' in error
}
