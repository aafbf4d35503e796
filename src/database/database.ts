// The database as handlers see it: `read`, `lookup`, `write` and `change` send statements.
// The only file that knows postgres.js, whose own pool is not safe for us: it sends statements on connections that are busy, and its
// way to reconnect can forget a connection, hand the error of one statement to the next, and try without end.
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { hosts } from '../config/database-url.ts'
import type { Steps } from '../observe/spans.ts'
import { type Lookup, lookups } from './batched-reads.ts'
import { type Change, changes } from './batched-writes.ts'
import type { Shareable } from './coalesce.ts'
import { isTurnedAway, isUndone, isUseless, Lost, translate } from './errors.ts'
import { gate } from './semaphore.ts'
import { type Statement, sql, statement, type Value } from './sql.ts'
import { Silence, watch } from './timeout.ts'
import { taken, types } from './types.ts'

type Send = <Row extends object>(text: TemplateStringsArray, ...values: Value[]) => Promise<Row[]>

export type Database = {
  /** Sends a statement that changes nothing, again if its connection is lost. Values only through `${}`. */
  read: Send
  /** Makes a function that reads what is quick to read, for many at once. */
  lookup: Lookup
  /** Makes a function that changes something of a person, for many at once; again only as `write` does. */
  change: Change
  /** Sends a statement that changes something, again only if it was certainly not carried out. */
  write: Send
  /** Sends a statement that a library has written. */
  run: (statement: Statement) => Promise<object[]>
  /** How many statements are under way, wait for a connection, and may be under way; how many connections were opened and lost so far. */
  load: () => { busy: number; waiting: number; most: number; opened: number; lost: number }
  /** Waits for what is under way, then lets go of every connection. */
  close: () => Promise<void>
}

export type DatabaseOptions = {
  /** may name several hosts: whichever takes writes is sent everything */
  url: string
  poolSize: number
  /** whether a pooler stands between that gives each statement another connection */
  pooler?: boolean
  steps?: Steps | null
  /** Sees the text of each statement sent; for tests. */
  observe?: (statement: string) => void
}

// What a caller waits at most is the sum of the first two: 3 seconds.
const patience = 1_000 // ms for a free connection, and for trying again
const silence = 2_000 // ms after which a connection that doesn't answer counts as lost
const statementTimeout = 1_500 // ms after which PostgreSQL itself gives up: below `silence`, so that a living server always answers
const pause = 100 // ms between tries

export function database({ url, poolSize, pooler = false, steps = null, observe }: DatabaseOptions): Database {
  const connect = connector(url, pooler, observe)
  const places = gate(poolSize)
  // The fewer are under way, the more people share each: a tenth more requests of a mix.
  const turns = gate(Math.ceil(poolSize / 2))
  const idle: Connection[] = []
  const count = { opened: 0, lost: 0 }

  function connection() {
    for (let last = idle.pop(); last !== undefined; last = idle.pop()) if (last.isOpen()) return last
    count.opened += 1
    return connect()
  }

  /** A change that turns out to be alone gives its turn back: it may have to wait for a lock, and nobody should wait with it. */
  async function sendInTurn<Row>(repeatable: boolean, statement: () => Shareable): Promise<Row[]> {
    const until = Date.now() + patience
    await turns.enter(until)
    let inside = true
    const leave = () => {
      if (inside) turns.leave()
      inside = false
    }
    const late = () => {
      const asked = statement()
      if (!repeatable && !asked.shared) leave()
      return asked
    }
    try {
      return await send(repeatable, late, until)
    } finally {
      leave()
    }
  }

  async function send<Row>(repeatable: boolean, statement: () => Statement, until = Date.now() + patience): Promise<Row[]> {
    for (;;) {
      await places.enter(until)
      const mine = connection()
      try {
        return await mine.send(statement())
      } catch (error) {
        if (error instanceof Lost) count.lost += 1
        // Their way is the same, and each of them would make somebody else wait.
        if (error instanceof Lost && error.sent && error.cause instanceof Silence) for (const each of idle.splice(0)) void each.close()
        const again = isUndone(error) || (error instanceof Lost && (repeatable || !error.sent))
        if (!again || Date.now() + pause >= until) throw translate(error)
      } finally {
        if (mine.isOpen()) idle.push(mine)
        places.leave()
      }
      await sleep(pause)
    }
  }

  const ask: typeof send = steps === null ? send : (repeatable, asked) => steps.statement(sent => send(repeatable, () => sent(asked())))

  return {
    read: (text, ...values) => ask(true, () => statement(sql(text, ...values))),
    lookup: lookups(statement => sendInTurn(true, statement), steps),
    change: changes(statement => sendInTurn(false, statement), steps),
    write: (text, ...values) => ask(false, () => statement(sql(text, ...values))),
    run: statement => ask(false, () => statement),
    load: () => ({ busy: places.load().inside, waiting: places.load().waiting + turns.load().waiting, most: poolSize, ...count }),
    async close() {
      // Who has every place has nobody beside them.
      const until = Date.now() + patience + silence
      await Promise.allSettled(Array.from({ length: poolSize }, () => places.enter(until)))
      await Promise.all(idle.map(each => each.close()))
    },
  }
}

type Connection = {
  /** Rejects with what PostgreSQL says about the statement, or with `Lost`. */
  send: <Row>(statement: Statement) => Promise<Row[]>
  isOpen: () => boolean
  close: () => Promise<void>
}

/** Makes connections that have one life and carry one statement at a time: each is a pool of one, whose driver may open one socket. */
function connector(url: string, pooler: boolean, observe: DatabaseOptions['observe']): () => Connection {
  const { urls, primary } = hosts(url)
  const places = urls.map(location)
  let place = 0 // of the host that was the right one the last time
  // Compiling a plan can take longer than all of our statements. A pooler keeps no settings: there they belong to the role.
  const settings = pooler ? {} : { statement_timeout: statementTimeout, jit: 'off' }
  const options = {
    max: 1,
    // The driver hangs up on a standby before it sends anything. What it calls `read-write` takes one for a primary.
    target_session_attrs: primary ? 'primary' : undefined,
    // Pipelining makes the driver repeat statements out of order when a prepared plan has changed:
    // rows of one caller would go to another.
    max_pipeline: 0,
    fetch_types: false, // asking each connection for the types of arrays takes time, and when that fails the process ends
    onnotice: () => {}, // a notice can quote people's content
    prepare: !pooler, // a prepared statement stays with its connection
    connection: { application_name: 'taskspec', TimeZone: 'UTC', ...settings },
    transform: { column: postgres.camel.column, undefined: undefined }, // `postgres.camel` would rename keys inside json too
    types,
    ...(observe && { debug: (_: number, statement: string) => observe(statement) }),
  }

  return () => {
    const here = place
    let socket: Socket | undefined
    const answered = watch(silence)
    const isOpen = () => socket?.readyState === 'open'

    function open({ host: [host], port: [port], path }: { host: string[]; port: number[]; path: string | false }) {
      if (socket !== undefined) throw new Error('the database closed the connection')
      const made = new Socket()
      // The driver listens a moment later: a failure before that would end the process.
      setImmediate(() => (path ? made.connect(path) : made.connect(Number(port), host as string)))
      socket = Object.assign(made, { host }) // the name for TLS
      return socket
    }

    const driver = postgres(places[here] as string, { ...options, socket: open } as postgres.Options<typeof types>)
    return {
      isOpen,
      async send<Row>({ text, values }: Statement) {
        const query = driver.unsafe(text, values as never[], prepared)
        try {
          return taken((await answered(query)) as unknown as Row[])
        } catch (error) {
          // The driver sets `state` when it writes the statement.
          const sent = (query as { state?: unknown }).state !== null
          if (sent && isOpen() && !isUseless(error)) throw error
          if ((!sent || error instanceof Silence) && place === here) place = (here + 1) % places.length
          socket?.destroy()
          throw isTurnedAway(error) ? error : new Lost(error, sent)
        }
      },
      async close() {
        await driver.end({ timeout: 1 })
        socket?.destroy()
      },
    }
  }
}

const prepared = { prepare: true, simple: false } as postgres.UnsafeQueryOptions // `simple` is missing in the driver's types

/** Does the work while no other process does work of this name on the database, which has one host. */
export async function alone(url: string, name: string, work: () => Promise<void>): Promise<void> {
  const sql = postgres(location(url), { max: 1, onnotice: () => {}, connect_timeout: 10 })
  await using _ = { [Symbol.asyncDispose]: () => sql.end({ timeout: 5 }) }
  // Asked again and again: `create index concurrently` waits for every statement under way, also for one that waits for this lock.
  const lock = () => sql`select where pg_try_advisory_lock(hashtextextended(${name}, 0))`
  while ((await lock()).length === 0) await sleep(pause)
  await work()
}

/** The URL without what libpq knows and the driver would send to the server as a setting. */
function location(url: string): string {
  const plain = new URL(url)
  for (const name of ['channel_binding', 'connect_timeout', 'gssencmode', 'sslcert', 'sslkey']) plain.searchParams.delete(name)
  return plain.href
}
