// Transactions: statements that take effect together or not at all. A statement finds its transaction through the asynchronous context, so
// the functions that send statements are the same inside and outside.
import { AsyncLocalStorage } from 'node:async_hooks'
import { unavailable } from '../contract/problem.ts'
import type { Steps } from '../observe/spans.ts'
import type { Connection } from './connection.ts'
import { ConnectionLost } from './errors.ts'
import type { Statement } from './sql.ts'

/** Sends a statement, which it takes as late as it can. */
export type SendOne = <Row>(statement: () => Statement) => Promise<Row[]>
type Work<Result> = () => Promise<Result>

export type Transactions = {
  /** Sends a statement of the transaction in whose work the caller is; undefined outside. */
  current: () => SendOne | undefined
  /**
   * Does the work between `begin` and `commit` on a connection that carries nothing else until then. Rejects with the error of the
   * connection if `begin` fails, and otherwise with a problem or with the error of the work. If the connection is lost before the commit is
   * sent, nothing has happened; after it that is unknown.
   */
  run: <Result>(connection: Connection, work: Work<Result>) => Promise<Result>
  /** Does a part of a transaction that may fail without the rest. */
  savepoint: <Result>(work: Work<Result>) => Promise<Result>
}

type Options = {
  /** after it a transaction is rolled back */
  timeoutMs: number
  steps: Steps | null
  /** The problem for an error of a statement. */
  problemOf: (error: unknown) => unknown
}

/** A transaction, or a part of it behind a savepoint. */
type Scope = {
  /** Sends a statement when those before it are answered. */
  send: SendOne
  /** Sends a statement at once. Like PostgreSQL, a scope refuses every statement after one that failed. */
  direct: SendOne
  /** Sends a statement for a scope within this one, which may fail alone. */
  relay: SendOne
  /** Does work that sends statements by itself, as one statement of the scope. */
  inTurn: <Result>(work: Work<Result>) => Promise<Result>
  /** Resolves when every statement is answered. Rejects if one has failed: the work may have ignored that. */
  settle: () => Promise<void>
  /** Refuses every further statement with this reason, unless there is one already. */
  close: (reason: unknown) => void
}

// PostgreSQL takes the newest savepoint of a name, so those within others need no other name.
const plain = (text: string): Statement => ({ name: text, text, values: [] })
const begin = plain('begin')
const commit = plain('commit')
const rollback = plain('rollback')
const mark = plain('savepoint part')
const release = plain('release savepoint part')
const undo = plain('rollback to savepoint part')

const ended = () => new Error('a statement was sent after the end of its transaction')

export function createTransactions({ timeoutMs, steps, problemOf }: Options): Transactions {
  const scopes = new AsyncLocalStorage<Scope>()

  /** Sends a statement that no caller has asked for: traces show it too. */
  const control = (send: SendOne, statement: Statement) =>
    steps === null ? send(() => statement) : steps.statement(sent => send(() => sent(statement)))

  /** Resolves with the result of the work when every statement has succeeded, and closes the scope. */
  async function within<Result>(scope: Scope, work: Work<Result>): Promise<Result> {
    try {
      const result = await scopes.run(scope, work)
      await scope.settle()
      return result
    } finally {
      scope.close(ended())
    }
  }

  return {
    current: () => scopes.getStore()?.send,

    async run(connection, work) {
      await control(statement => connection.send(statement()), begin)
      let inFlight: Promise<unknown> = Promise.resolve()
      const send: SendOne = statement => {
        const rows = sendOpen<never>(connection, statement).catch(error => {
          throw problemOf(error)
        })
        inFlight = rows.catch(() => {})
        return rows
      }
      const scope = createScope(send)
      const late = Promise.withResolvers<never>()
      const timer = setTimeout(() => {
        const problem = unavailable('The database took too long for this. Try again later.', undefined, 5)
        scope.close(problem)
        late.reject(problem)
      }, timeoutMs)
      try {
        const result = await Promise.race([within(scope, work), late.promise])
        await control(send, commit)
        return result
      } catch (error) {
        scope.close(error)
        await inFlight
        if (connection.isOpen()) await control(send, rollback).catch(connection.close)
        throw error
      } finally {
        clearTimeout(timer)
      }
    },

    async savepoint(work) {
      const outer = scopes.getStore()
      if (outer === undefined) throw new Error('a savepoint needs a transaction')
      return outer.inTurn(async () => {
        await control(outer.direct, mark)
        const scope = createScope(outer.relay)
        try {
          const result = await within(scope, work)
          await control(outer.direct, release)
          return result
        } catch (error) {
          await scope.settle().catch(() => {})
          await control(outer.direct, undo)
          await control(outer.direct, release)
          throw error
        }
      })
    },
  }
}

/** A connection never opens again. The driver would wait for that until the timeout. */
async function sendOpen<Row>(connection: Connection, statement: () => Statement): Promise<Row[]> {
  if (!connection.isOpen()) throw new ConnectionLost(new Error('the connection was closed between two statements'), false)
  return connection.send(statement())
}

function createScope(send: SendOne): Scope {
  let last: Promise<unknown> = Promise.resolve()
  let closed: { reason: unknown } | undefined

  const relay: SendOne = async statement => {
    if (closed !== undefined) throw closed.reason
    return send(statement)
  }

  function close(reason: unknown) {
    closed ??= { reason }
  }

  const direct: SendOne = statement =>
    relay<never>(statement).catch(error => {
      close(error)
      throw error
    })

  function inTurn<Result>(work: Work<Result>): Promise<Result> {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }

  return {
    send: statement => inTurn(() => direct(statement)),
    direct,
    relay,
    inTurn,
    async settle() {
      for (let seen: unknown; seen !== last; ) {
        seen = last
        await last
      }
      if (closed !== undefined) throw closed.reason
    },
    close,
  }
}
