// One connection to PostgreSQL. The only file that knows postgres.js, whose own pool is not safe here:
// it sends statements on connections that are busy, and its reconnection can forget a connection, hand the error of one statement to the
// next, and try without end.
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { ignoreDriverVariables } from '../config/config.ts'
import type { DatabaseUrl, Host } from '../config/database-url.ts'
import { ConnectionLost, isAccessRefused, isConnectionUnusable } from './errors.ts'
import { checkReported, checkSettings, readSettings, type Setting, startupSettings, WrongSetting } from './session.ts'
import { type OpenSocket, openSocket } from './socket.ts'
import { type Statement, statement } from './sql.ts'
import { createTimeout, TimeoutError } from './timeout.ts'
import { detachRows, type Result, types } from './types.ts'

export type Connection = {
  /** Rejects with the error of PostgreSQL for the statement, or with `ConnectionLost`. */
  send: <Row>(statement: Statement) => Promise<Row[]>
  isOpen: () => boolean
  close: () => Promise<void>
}

type Options = {
  /** may name several hosts: the one that takes writes gets every statement */
  url: DatabaseUrl
  /** whether a pooler stands between that gives each statement another connection */
  pooler: boolean
  /** whether a session with wrong settings is used nevertheless */
  unchecked: boolean
  /** ms after which a connection that doesn't answer counts as lost */
  answerTimeoutMs: number
  /** ms after which PostgreSQL itself cancels a statement */
  statementTimeoutMs: number
  /** ms after which PostgreSQL itself ends a transaction that sends nothing: its client may have vanished, and its locks would stay */
  idleTimeoutMs: number
  /** Sees the text of each statement sent; for tests. */
  observe: ((statement: string) => void) | undefined
}

const lockRetryMs = 100

// `simple` is missing in the driver's types.
const prepared = { prepare: true, simple: false } as postgres.UnsafeQueryOptions

/** Makes connections that have one life and carry one statement at a time: each is a pool of one, whose driver may open one socket. */
export function createConnector({
  url,
  pooler,
  unchecked,
  answerTimeoutMs,
  statementTimeoutMs,
  idleTimeoutMs,
  observe,
}: Options): () => Connection {
  let current = 0 // index of the host that was the right one the last time
  // Compiling a plan can take longer than each of our statements. A pooler keeps no settings: there they belong to the role.
  const ownSettings = {
    statement_timeout: String(statementTimeoutMs),
    idle_in_transaction_session_timeout: String(idleTimeoutMs),
    jit: 'off',
  }
  const settings = pooler ? {} : ownSettings
  const options = {
    // The driver closes a connection to a standby before it sends a statement. Its `read-write` mistakes a standby for a primary.
    ...(url.primary && { target_session_attrs: 'primary' as const }),
    prepare: !pooler, // a prepared statement stays with its connection
    connection: { application_name: url.applicationName, ...startupSettings(pooler), ...settings },
    ...(!unchecked && { onparameter: checkReported }), // an error of it fails the first statement before that is sent
    ...(observe && { debug: (_: number, statement: string) => observe(statement) }),
  }

  return () => {
    const host = current
    let isChecked = !pooler || unchecked
    const inTime = createTimeout(answerTimeoutMs)
    const { driver, isOpen, destroy } = createDriver(url, url.hosts[host] as Host, options)

    const send = (query: postgres.PendingQuery<postgres.Row[]>) =>
      inTime(query.values()).then(result => detachRows(result as unknown as Result))

    async function check() {
      const { text, values } = statement('select settings', readSettings)
      checkSettings((await send(driver.unsafe(text, values as never[], prepared))) as Setting[])
      isChecked = true
    }

    return {
      isOpen,
      async send<Row>({ text, values }: Statement) {
        let query: postgres.PendingQuery<postgres.Row[]> | undefined
        try {
          if (!isChecked) await check()
          query = driver.unsafe(text, values as never[], prepared)
          return (await send(query)) as Row[]
        } catch (error) {
          // The driver sets `state` when it writes the statement.
          const sent = ((query as { state?: unknown } | undefined)?.state ?? null) !== null
          if (sent && isOpen() && !isConnectionUnusable(error)) throw error
          if ((!sent || error instanceof TimeoutError) && current === host) current = (host + 1) % url.hosts.length
          destroy()
          throw isAccessRefused(error) || error instanceof WrongSetting ? error : new ConnectionLost(error, sent)
        }
      },
      async close() {
        await driver.end({ timeout: 1 })
        destroy()
      },
    }
  }
}

/** Does the work while no other process does work of this name on the database, whose URL has one host. */
export async function withAdvisoryLock(url: DatabaseUrl, name: string, work: () => Promise<void>): Promise<void> {
  const connection = { application_name: url.applicationName, ...startupSettings(false), statement_timeout: '0' }
  const { driver: sql } = createDriver(url, url.hosts[0] as Host, { connection, connect_timeout: 10, prepare: true })
  try {
    // Polled: `create index concurrently` waits for every statement in flight, and so for a statement that waits for this lock.
    const lock = () => sql`select where pg_try_advisory_lock(hashtextextended(${name}, 0))`
    while ((await lock()).length === 0) await sleep(lockRetryMs)
    await work()
  } finally {
    await sql.end({ timeout: 5 })
  }
}

// An option that is missing here would come from a variable of the environment, such as PGMAX_LIFETIME.
const driverDefaults = {
  max: 1,
  ssl: false, // the socket has it
  idle_timeout: 0,
  connect_timeout: 30,
  max_lifetime: () => 60 * (30 + Math.random() * 30), // seconds: not all connections end together
  backoff: 0,
  keep_alive: 60,
  debug: false,
  // Pipelining makes the driver repeat statements out of order when a prepared plan has changed:
  // rows of one caller would go to another.
  max_pipeline: 0,
  fetch_types: false, // asking each connection for the types of arrays takes time, and when that fails the process ends
  onnotice: () => {}, // a notice can quote users' content
  transform: { column: postgres.camel.column, undefined: undefined }, // `postgres.camel` would rename keys inside json too
  types,
}

/** The driver on one socket. It gets the parts of the URL, never the URL: it would send unknown parameters as settings. */
function createDriver({ user, password, database, tls }: DatabaseUrl, host: Host, options: object) {
  let socket: OpenSocket | undefined

  function open() {
    if (socket !== undefined) throw new Error('the database closed the connection')
    socket = openSocket(host, tls)
    return socket.ready
  }

  ignoreDriverVariables()
  const driver = postgres({
    ...driverDefaults,
    ...options,
    host: [host.name],
    port: [host.port],
    user,
    pass: () => password, // an empty text would be replaced by PGPASSWORD
    database,
    socket: open,
  } as unknown as postgres.Options<typeof types>)
  return { driver, isOpen: () => socket?.raw.readyState === 'open', destroy: () => socket?.destroy() }
}
