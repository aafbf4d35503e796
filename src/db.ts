// The database as handlers see it: `read` and `write` send a statement, `sql` makes parts of one.
// The only file that knows postgres.js, whose defaults are not safe for us; each setting says why.
import postgres from 'postgres'
import { gate } from './gate.ts'
import { Problem, unavailable } from './problem.ts'

/** A part of a statement, or something that stands for one: never sent by itself. */
export type Part = postgres.Fragment | postgres.Helper<never>
type Value = postgres.ParameterOrFragment<never> | undefined
type Send = <Row extends object>(text: TemplateStringsArray, ...values: Value[]) => Promise<Row[]>

export type Database = {
  /** Parts of statements, and `sql({ column: value })` for lists of columns. */
  sql: {
    (text: TemplateStringsArray, ...values: Value[]): postgres.Fragment
    (columns: Record<string, unknown>): Value
  }
  /** Sends a statement that changes nothing, again if its connection is lost. Values only through `${}`. */
  read: Send
  /** Sends a statement that changes something, again only if it was certainly not carried out. */
  write: Send
  /** Waits for what is under way, then lets go of every connection. */
  close: () => Promise<void>
}

export type DatabaseOptions = {
  url: string
  poolSize: number
  /** Sees the text of each statement sent; for tests. */
  observe?: (statement: string) => void
}

// What a caller waits at most is the sum of the first two: 3 seconds.
const patience = 1_000 // ms for a free connection, and for trying again
const silence = 2_000 // ms after which a connection that doesn't answer counts as lost
const statementTimeout = 1_500 // ms after which PostgreSQL itself gives up: below `silence`, so that a living server always answers
const pause = 100 // ms between tries

export function database({ url, poolSize, observe }: DatabaseOptions): Database {
  const options = {
    max: poolSize,
    // Pipelining makes the driver repeat statements out of order when a prepared plan has changed:
    // rows of one caller would go to another.
    max_pipeline: 0,
    connect_timeout: silence / 1000, // s
    backoff: 0.2 as never, // s (the types forget numbers); by default it grows to 20
    max_lifetime: 1_800, // s; also bounds how many prepared statements a connection gathers
    onnotice: () => {}, // a notice can quote people's content
    connection: { application_name: 'taskspec', TimeZone: 'UTC', statement_timeout: statementTimeout },
    transform: { column: postgres.camel.column, undefined: undefined }, // `postgres.camel` would rename keys inside json too
    types,
    ...(observe && { debug: (_: number, statement: string) => observe(statement) }),
  }
  let pool = postgres(location(url), options)
  const connections = gate(poolSize)

  async function attempt<Row>(until: number, text: TemplateStringsArray, values: Value[]): Promise<Row[]> {
    const leave = await connections.enter(until)
    const mine = pool
    const query = mine(text, ...(values as never[]))
    query.then(leave, leave)
    try {
      return (await answered(query)) as unknown as Row[]
    } catch (error) {
      // A server that doesn't answer at all hangs its connection for good, and the driver with it:
      // go on with a fresh pool, and leave the old one a second to finish what it can.
      if (error instanceof Silence && pool === mine) {
        pool = postgres(location(url), options)
        mine.end({ timeout: 1 })
      }
      throw error
    }
  }

  async function send<Row>(again: (error: unknown) => boolean, text: TemplateStringsArray, values: Value[]): Promise<Row[]> {
    const until = Date.now() + patience
    for (;;) {
      try {
        return await attempt(until, text, values)
      } catch (error) {
        if (!again(error) || Date.now() + pause >= until) throw translate(error)
        await new Promise(resolve => setTimeout(resolve, pause))
      }
    }
  }

  return {
    sql: pool as unknown as Database['sql'],
    read: (text, ...values) => send(error => isRefused(error) || isLost(error), text, values),
    write: (text, ...values) => send(isRefused, text, values),
    close: () => pool.end({ timeout: 5 }),
  }
}

/** Does the work while no other process does work of this name on the database. */
export async function alone(url: string, name: string, work: () => Promise<void>): Promise<void> {
  const sql = postgres(location(url), { max: 1, onnotice: () => {}, connect_timeout: 10 })
  try {
    await sql`select pg_advisory_lock(hashtextextended(${name}, 0))`
    await work()
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** The URL without what libpq knows and the driver would send to the server as a setting. */
function location(url: string): string {
  const plain = new URL(url)
  for (const name of ['channel_binding', 'connect_timeout', 'gssencmode', 'sslcert', 'sslkey']) plain.searchParams.delete(name)
  return plain.href
}

/** The SQLSTATE of an error of PostgreSQL, or the code of the driver or the network. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** The constraint that an error of PostgreSQL names, without the number that a shard adds; empty where it names none. */
export function violated(error: unknown): string {
  const name = error instanceof Error && 'constraint_name' in error ? String(error.constraint_name) : ''
  return name.replace(/_\d+$/, '')
}

/** Certainly not carried out: refused at the door, or rolled back whole. */
function isRefused(error: unknown) {
  return /^(ECONNREFUSED|CONNECT_TIMEOUT|57P03|53300|40001|40P01|25006)$/.test(errorCode(error))
}

/** Nobody knows whether it was carried out. */
function isLost(error: unknown) {
  return /^(CONNECTION_\w+|E(?!RR_)[A-Z_]+|57P0[124]|08\w{3})$/.test(errorCode(error))
}

function translate(error: unknown): unknown {
  if (error instanceof Problem) return error
  if (error instanceof Silence || isRefused(error) || isLost(error))
    return unavailable('The database did not answer in time. Try again shortly.', error)
  if (errorCode(error) === '57014') return unavailable('The database took too long for this. Try again later.', error, 5)
  if (/^(28\w{3}|3D000)$/.test(errorCode(error))) return unavailable('The database does not let the server in.', error, 5)
  if (/^53/.test(errorCode(error))) return unavailable('The database has no room left. Try again later.', error, 5)
  return error
}

class Silence extends Error {
  override name = 'Silence'
}

function answered<Rows>(query: Promise<Rows>): Promise<Rows> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Silence(`no answer in ${silence} ms`)), silence)
    query.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

// Rows leave the driver as the API shows them. Values go in as the text that the spec has validated:
// the driver's own way through Date would lose microseconds.
const same = (value: string) => value
const types = {
  instant: { to: 1184, from: [1184], serialize: same, parse: (text: string) => text.replace(' ', 'T').replace('+00', 'Z') },
  date: { to: 1082, from: [1082], serialize: same, parse: same },
  time: { to: 1083, from: [1083], serialize: same, parse: (text: string) => text.slice(0, 5) },
  bigint: { to: 20, from: [20], serialize: String, parse: Number },
}
