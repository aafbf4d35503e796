// The steps of a request, for traces and for Server-Timing in development. Where neither is wanted, no step is made.
import { AsyncLocalStorage } from 'node:async_hooks'

type Name = 'authentication' | 'validation' | 'statement'

/** Times are those of performance.now(). */
export type Step = {
  name: Name
  began: number
  /** undefined while it goes on */
  ended: number | undefined
  error?: unknown
  /** of a statement: each time that it was sent */
  sent: number[]
  /** of a statement that was sent: its own name */
  statement?: string
  /** of a statement: how many callers it served */
  questions?: number
}
/** Notes that a statement is sent, which serves so many callers, and returns it. */
export type Sent = <Statement extends { name: string }>(statement: Statement, questions?: number) => Statement

export type Steps = {
  /** Does work whose steps are added to a list. */
  into: <Result>(list: Step[], work: () => Result) => Result
  /** Makes a function that does the same work as one step. */
  step: <Values extends unknown[], Result>(name: Name, work: (...values: Values) => Result) => (...values: Values) => Result
  /** Runs a statement as one step, with its waiting and its retries. */
  statement: <Rows>(ask: (sent: Sent) => Promise<Rows>) => Promise<Rows>
}

export function createSteps(): Steps {
  const lists = new AsyncLocalStorage<Step[]>()

  /** Outside of a request it is in no list. */
  function begin(name: Name): Step {
    const step: Step = { name, began: performance.now(), ended: undefined, sent: [] }
    lists.getStore()?.push(step)
    return step
  }

  return {
    into: (list, work) => lists.run(list, work),
    step:
      (name, work) =>
      (...values) =>
        ending(begin(name), work(...values)),
    statement(ask) {
      const step = begin('statement')
      const sent: Sent = (statement, questions = 1) => {
        step.sent.push(performance.now())
        Object.assign(step, { statement: statement.name, questions })
        return statement
      }
      return ending(step, ask(sent))
    },
  }
}

function ending<Result>(step: Step, result: Result): Result {
  if (result instanceof Promise) {
    return result.then(
      value => {
        step.ended = performance.now()
        return value
      },
      error => {
        Object.assign(step, { ended: performance.now(), error })
        throw error
      },
    ) as Result
  }
  step.ended = performance.now()
  return result
}

const entries = { auth: 'authentication', validation: 'validation', db: 'statement' }

/** The value of Server-Timing (W3C): ms for each kind of step. Those of statements include their waiting. */
export function serverTiming(list: readonly Step[], total: number): string {
  const kinds = Object.entries(entries).flatMap(([entry, name]) => {
    const own = list.filter(each => each.name === name && each.ended !== undefined)
    const ms = own.reduce((sum, { began, ended }) => sum + (ended as number) - began, 0)
    return own.length === 0 ? [] : [`${entry};dur=${ms.toFixed(2)}${name === 'statement' ? `;desc="statements: ${own.length}"` : ''}`]
  })
  return [`total;dur=${total.toFixed(2)}`, ...kinds].join(', ')
}
