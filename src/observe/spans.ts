// What a request goes through, noted for whoever watches: traces, and Server-Timing in development. Where nobody does, none of it is made.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Statement } from '../database/sql.ts'

type Name = 'authentication' | 'validation' | 'statement'

/** Times are those of performance.now(). */
export type Step = {
  name: Name
  began: number
  /** undefined while it goes on */
  ended: number | undefined
  error?: unknown
  /** each time that it was sent, of a statement */
  sent: number[]
  text?: string
  /** how many were answered by the statement */
  questions?: number
}
/** Notes that a statement goes off, which answers so many questions, and hands it on. */
export type Sent = (statement: Statement, questions?: number) => Statement

export type Steps = {
  /** Does work whose steps go into a list. */
  into: <Result>(list: Step[], work: () => Result) => Result
  /** The same work as one step. */
  step: <Given extends unknown[], Result>(name: Name, work: (...given: Given) => Result) => (...given: Given) => Result
  /** Asks for a statement as one step, from the question to the answer, however long it waits and however often it is sent. */
  statement: <Rows>(ask: (sent: Sent) => Promise<Rows>) => Promise<Rows>
}

export function steps(): Steps {
  const lists = new AsyncLocalStorage<Step[]>()

  /** Outside of every request it is noted nowhere. */
  function begin(name: Name): Step {
    const step: Step = { name, began: performance.now(), ended: undefined, sent: [] }
    lists.getStore()?.push(step)
    return step
  }

  return {
    into: (list, work) => lists.run(list, work),
    step:
      (name, work) =>
      (...given) =>
        ending(begin(name), work(...given)),
    statement(ask) {
      const step = begin('statement')
      const sent: Sent = (statement, questions = 1) => {
        step.sent.push(performance.now())
        Object.assign(step, { text: statement.text, questions })
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

/** The header of that name (W3C Server Timing): ms for each kind of step, a statement's with its waiting. */
export function serverTiming(list: readonly Step[], total: number): string {
  const kinds = Object.entries(entries).flatMap(([entry, name]) => {
    const own = list.filter(each => each.name === name && each.ended !== undefined)
    const ms = own.reduce((sum, { began, ended }) => sum + (ended as number) - began, 0)
    return own.length === 0 ? [] : [`${entry};dur=${ms.toFixed(2)}${name === 'statement' ? `;desc="statements: ${own.length}"` : ''}`]
  })
  return [`total;dur=${total.toFixed(2)}`, ...kinds].join(', ')
}
