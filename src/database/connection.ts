// One connection to PostgreSQL. The only file that knows postgres.js, whose own pool is not safe here:
// it sends statements on connections that are busy, and its reconnection can forget a connection, hand the error of one statement to the
// next, and try without end.
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { driverUrl, hosts } from '../config/database-url.ts'
import { ConnectionLost, isAccessRefused, isConnectionUnusable } from './errors.ts'
import type { Statement } from './sql.ts'
import { createTimeout, TimeoutError } from './timeout.ts'
import { detachRows, types } from './types.ts'

export type Connection = {
  /** Rejects with the error of PostgreSQL for the statement, or with `ConnectionLost`. */
  send: <Row>(statement: Statement) => Promise<Row[]>
  isOpen: () => boolean
  close: () => Promise<void>
}

type Options = {
  /** may name several hosts: the one that takes writes gets every statement */
  url: string
  /** whether a pooler stands between that gives each statement another connection */
  pooler: boolean
  /** ms after which a connection that doesn't answer counts as lost */
  answerTimeoutMs: number
  /** ms after which PostgreSQL itself cancels a statement */
  statementTimeoutMs: number
  /** Sees the text of each statement sent; for tests. */
  observe: ((statement: string) => void) | undefined
}

const lockRetryMs = 100

/** Makes connections that have one life and carry one statement at a time: each is a pool of one, whose driver may open one socket. */
export function createConnector({ url, pooler, answerTimeoutMs, statementTimeoutMs, observe }: Options): () => Connection {
  const { urls, primary } = hosts(url)
  const locations = urls.map(driverUrl)
  let current = 0 // index of the host that was the right one the last time
  // Compiling a plan can take longer than each of our statements. A pooler keeps no settings: there they belong to the role.
  const settings = pooler ? {} : { statement_timeout: statementTimeoutMs, jit: 'off' }
  const options = {
    max: 1,
    // The driver closes a connection to a standby before it sends a statement. Its `read-write` mistakes a standby for a primary.
    target_session_attrs: primary ? 'primary' : undefined,
    // Pipelining makes the driver repeat statements out of order when a prepared plan has changed:
    // rows of one caller would go to another.
    max_pipeline: 0,
    fetch_types: false, // asking each connection for the types of arrays takes time, and when that fails the process ends
    onnotice: () => {}, // a notice can quote users' content
    prepare: !pooler, // a prepared statement stays with its connection
    connection: { application_name: 'taskspec', TimeZone: 'UTC', ...settings },
    transform: { column: postgres.camel.column, undefined: undefined }, // `postgres.camel` would rename keys inside json too
    types,
    ...(observe && { debug: (_: number, statement: string) => observe(statement) }),
  }

  return () => {
    const host = current
    let socket: Socket | undefined
    const inTime = createTimeout(answerTimeoutMs)
    const isOpen = () => socket?.readyState === 'open'

    function open({ host: [name], port: [port], path }: { host: string[]; port: number[]; path: string | false }) {
      if (socket !== undefined) throw new Error('the database closed the connection')
      const opened = new Socket()
      // The driver listens a moment later: an earlier failure would end the process.
      setImmediate(() => (path ? opened.connect(path) : opened.connect(Number(port), name as string)))
      socket = Object.assign(opened, { host: name }) // the name for TLS
      return socket
    }

    const driver = postgres(locations[host] as string, { ...options, socket: open } as postgres.Options<typeof types>)
    return {
      isOpen,
      async send<Row>({ text, values }: Statement) {
        const query = driver.unsafe(text, values as never[], prepared)
        try {
          return detachRows((await inTime(query)) as unknown as Row[])
        } catch (error) {
          // The driver sets `state` when it writes the statement.
          const sent = (query as { state?: unknown }).state !== null
          if (sent && isOpen() && !isConnectionUnusable(error)) throw error
          if ((!sent || error instanceof TimeoutError) && current === host) current = (host + 1) % locations.length
          socket?.destroy()
          throw isAccessRefused(error) ? error : new ConnectionLost(error, sent)
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

/** Does the work while no other process does work of this name on the database, whose URL has one host. */
export async function withAdvisoryLock(url: string, name: string, work: () => Promise<void>): Promise<void> {
  const sql = postgres(driverUrl(url), { max: 1, onnotice: () => {}, connect_timeout: 10 })
  await using _ = { [Symbol.asyncDispose]: () => sql.end({ timeout: 5 }) }
  // Polled: `create index concurrently` waits for every statement in flight, and so for a statement that waits for this lock.
  const lock = () => sql`select where pg_try_advisory_lock(hashtextextended(${name}, 0))`
  while ((await lock()).length === 0) await sleep(lockRetryMs)
  await work()
}
