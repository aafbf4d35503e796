// The database as handlers see it: `read`, `lookup`, `write` and `change` send statements over a pool of connections.
import { setTimeout as sleep } from 'node:timers/promises'
import type { DatabaseUrl } from '../config/database-url.ts'
import type { Steps } from '../observe/spans.ts'
import { createLookup, type Lookup } from './batched-reads.ts'
import { type Change, createChange, type OwnerLock } from './batched-writes.ts'
import type { Shareable } from './coalesce.ts'
import { type Connection, createConnector } from './connection.ts'
import { ConnectionLost, isRolledBack, toProblem } from './errors.ts'
import { createParts } from './parts.ts'
import { createPlaces, placesOf } from './places.ts'
import { createSemaphore } from './semaphore.ts'
import { createSharing } from './sharing.ts'
import { type Part, type Statement, statement } from './sql.ts'
import { TimeoutError } from './timeout.ts'
import { createTransactions } from './transactions.ts'

/** Sends a statement of a name such as `select tasks`. */
type Send = <Row extends object>(name: string, text: Part) => Promise<Row[]>

export type Database = {
  /** Sends a statement that changes nothing, again if its connection is lost. */
  read: Send
  /** Makes a function that reads a few rows quickly, for several callers in one statement. */
  lookup: Lookup
  /** Makes a function that changes something of an owner, for several owners in one statement; retried only as `write` is. */
  change: Change
  /** Sends a statement that changes something, again only if it was certainly not carried out. */
  write: Send
  /** Sends a statement that a library has written. */
  run: (name: string, statement: { text: string; values: unknown[] }) => Promise<object[]>
  /**
   * Does work whose statements take effect together, or not at all if it rejects. They go one after the other over one connection, and no
   * other caller shares them. Nothing is sent again: a lost connection is 503, and unless it was lost at the commit, nothing has happened.
   * Within a transaction it is a savepoint.
   */
  transaction: <Result>(work: () => Promise<Result>) => Promise<Result>
  /** Does a part of a transaction. If it rejects, the part has no effect, and the transaction goes on. Outside of one it just does the work. */
  savepoint: <Result>(work: () => Promise<Result>) => Promise<Result>
  /** A transaction whose work is one change: each `change` within takes the form of a part (`Callers.isPart`). */
  asOne: <Result>(work: () => Promise<Result>) => Promise<Result>
  /** Whether the caller is within the work of `asOne`. */
  isPart: () => boolean
  /** Opens every connection, and sends a statement twice over each. Rejects only if it could open none. */
  warm: (text: Part) => Promise<void>
  /** Connections in use, callers that wait for one, and connections at most; so far: connections opened and lost, shared statements refused. */
  load: () => { busy: number; waiting: number; max: number; opened: number; lost: number; refused: number }
  /** Waits for the statements and transactions in flight, then closes every connection. */
  close: () => Promise<void>
}

export type DatabaseOptions = {
  /** may name several hosts: the one that takes writes gets every statement */
  url: DatabaseUrl
  poolSize: number
  /** processes that share the port, each with a pool of its own; 1 is the default */
  processes?: number
  /** whether a pooler stands between that gives each statement another connection */
  pooler?: boolean
  /** whether a session with wrong settings is used nevertheless; for the doctor */
  unchecked?: boolean
  /** without it, changes of several owners share no statement */
  ownerLock?: OwnerLock
  /** whether callers share statements; not on Citus, which refuses them */
  shared?: boolean
  /** Called once if the database refuses a shared statement as not supported. Sharing has stopped then. */
  onSharingStopped?: (error: unknown) => void
  steps?: Steps | null
  /** Sees the text of each statement sent; for tests. */
  observe?: (statement: string) => void
  /** multiplies the timeouts; for tests, which may run on a slow machine */
  timeoutFactor?: number
}

// A statement takes the sum of the first two at most: 3 seconds. A change that shared a statement which was refused, or got no row of it, is
// sent again with a new deadline.
const connectionTimeoutMs = 1_000 // for a free connection, and for retries
const answerTimeoutMs = 2_000
const statementTimeoutMs = 1_500 // below `answerTimeoutMs`, so that a living server always answers
const transactionTimeoutMs = 10_000
const retryDelayMs = 100

export function createDatabase(options: DatabaseOptions): Database {
  const { url, poolSize, processes = 1, pooler = false, unchecked = false, ownerLock, steps = null, observe, timeoutFactor = 1 } = options
  const sharing = createSharing(options.shared ?? true, options.onSharingStopped)
  const answerMs = answerTimeoutMs * timeoutFactor
  const statementMs = statementTimeoutMs * timeoutFactor
  const transactionMs = transactionTimeoutMs * timeoutFactor
  const timeouts = { answerTimeoutMs: answerMs, statementTimeoutMs: statementMs, idleTimeoutMs: transactionMs }
  const connect = createConnector({ url, pooler, unchecked, ...timeouts, observe })
  const connections = createSemaphore(poolSize)
  // A transaction keeps its connection while it does other work. Single statements always have the other half.
  const transactionPlaces = createSemaphore(Math.max(1, Math.floor(poolSize / 2)))
  const takePlace = createPlaces(placesOf(poolSize, processes))
  const idle: Connection[] = []
  const count = { opened: 0, lost: 0 }
  const newDeadline = () => Date.now() + connectionTimeoutMs * timeoutFactor
  const problemOf = (error: unknown) => {
    noteLoss(error)
    return toProblem(error)
  }
  const transactions = createTransactions({ timeoutMs: transactionMs, steps, problemOf })
  const isAlone = () => transactions.current() !== undefined
  const parts = createParts()
  const ask: typeof send = steps === null ? send : (repeatable, late) => steps.statement(sent => send(repeatable, () => sent(late())))

  return {
    read: (name, text) => ask(true, () => statement(name, text)),
    lookup: createLookup({ send: late => sendShared(true, late), sharing, steps, isAlone }),
    change: createChange({ send: late => sendShared(false, late), sharing, steps, isAlone }, parts.take, ownerLock),
    write: (name, text) => ask(false, () => statement(name, text)),
    run: (name, { text, values }) => ask(false, () => ({ name, text, values })),
    transaction: work => (isAlone() ? transactions.savepoint(work) : transaction(() => parts.each(work))),
    savepoint: work => (isAlone() ? transactions.savepoint(work) : work()),
    asOne: work => (isAlone() ? transactions.savepoint : transaction)(() => parts.asOne(work)),
    isPart: parts.isPart,
    async warm(text) {
      // Each attempt takes a place now, so no two get the same connection. Requests have the other places, with their connections.
      const free = poolSize - connections.load().held
      const deadline = newDeadline()
      const attempts = Array.from({ length: Math.max(free, 1) }, () => warmOne(text, deadline))
      await Promise.allSettled(attempts)
      await Promise.any(attempts).catch(({ errors: [first] }: AggregateError) => {
        throw toProblem(first)
      })
    },
    load: () => ({
      busy: connections.load().held,
      waiting: connections.load().waiting + transactionPlaces.load().waiting,
      max: poolSize,
      ...count,
      refused: sharing.refused(),
    }),
    async close() {
      // When every place is held here, no statement is in flight, and no transaction.
      const deadline = newDeadline() + transactionMs + answerMs
      await Promise.allSettled(Array.from({ length: poolSize }, () => connections.acquire(deadline)))
      await Promise.all(idle.map(each => each.close()))
    },
  }

  /** A change that goes alone gives its place back: it may have to wait for a lock, and no other caller should wait with it. */
  async function sendShared<Row>(repeatable: boolean, statement: () => Shareable): Promise<Row[]> {
    if (!sharing.isOn() || isAlone()) return send(repeatable, statement)
    const deadline = newDeadline()
    const place = await takePlace(deadline)
    const late = () => {
      const shareable = statement()
      if (repeatable || shareable.shared) place.start()
      else place.release()
      return shareable
    }
    try {
      return await send(repeatable, late, deadline)
    } finally {
      place.release()
    }
  }

  /** Takes the statement when a connection is free, and retries it until the deadline (ms since the epoch). */
  function send<Row>(repeatable: boolean, statement: () => Statement, deadline = newDeadline()): Promise<Row[]> {
    const sendOne = transactions.current()
    if (sendOne !== undefined) return sendOne(statement)
    const again = (error: unknown) => isRolledBack(error) || (error instanceof ConnectionLost && (repeatable || !error.sent))
    return onConnection(connection => connection.send<Row>(statement()), again, deadline)
  }

  async function transaction<Result>(work: () => Promise<Result>): Promise<Result> {
    const deadline = newDeadline()
    await transactionPlaces.acquire(deadline)
    try {
      // Only `begin` rejects with a lost connection, and it can be sent again.
      const isLost = (error: unknown) => error instanceof ConnectionLost
      return await onConnection(connection => transactions.run(connection, work), isLost, deadline)
    } finally {
      transactionPlaces.release()
    }
  }

  /** Does work on a connection when one is free, and again until the deadline after an error that allows it. */
  async function onConnection<Result>(
    work: (connection: Connection) => Promise<Result>,
    again: (error: unknown) => boolean,
    deadline: number,
  ): Promise<Result> {
    for (;;) {
      await connections.acquire(deadline)
      const connection = idleConnection()
      try {
        return await work(connection)
      } catch (error) {
        noteLoss(error)
        if (!again(error) || Date.now() + retryDelayMs >= deadline) throw toProblem(error)
      } finally {
        if (connection.isOpen()) idle.push(connection)
        connections.release()
      }
      await sleep(retryDelayMs)
    }
  }

  function noteLoss(error: unknown) {
    if (!(error instanceof ConnectionLost)) return
    count.lost += 1
    // Idle connections lead to the same silent server, and each would make another caller wait for its timeout.
    if (error.sent && error.cause instanceof TimeoutError) for (const each of idle.splice(0)) void each.close()
  }

  /** Without a retry: where the pool is larger than what the database permits, each retry would be refused too. */
  async function warmOne(text: Part, deadline: number) {
    await connections.acquire(deadline)
    const connection = idleConnection()
    try {
      for (let sent = 0; sent < 2; sent++) await connection.send(statement('warm up', text))
    } catch (error) {
      if (error instanceof ConnectionLost) count.lost += 1
      if (!connection.isOpen()) throw error
    } finally {
      if (connection.isOpen()) idle.push(connection)
      connections.release()
    }
  }

  function idleConnection() {
    for (let last = idle.pop(); last !== undefined; last = idle.pop()) if (last.isOpen()) return last
    count.opened += 1
    return connect()
  }
}
