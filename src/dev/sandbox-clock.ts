// The clock of the sandbox, which can go ahead of the real one: that of this process, and now() of its PostgreSQL.
import type { RequestListener } from 'node:http'
import type { Database } from '../database/database.ts'
import { sql } from '../database/sql.ts'

export type Clock = {
  /** ms since the epoch */
  realNow: () => number
  /** how far this clock is ahead */
  aheadMs: () => number
  setAhead: (ms: number) => Promise<void>
  /** Gives replies the Date of this clock, because Node writes the real one. */
  around: (listener: RequestListener) => RequestListener
  /** Gives this process its clock back. */
  stop: () => void
}

const RealDate = Date

/** Call this before the server connects: a plan that PostgreSQL has made keeps the now() of that time. */
export async function createClock({ write }: Database): Promise<Clock> {
  await replaceNow(write)
  let aheadMs = 0
  async function setAhead(ms: number) {
    await write('set clock', sql`update sandbox.clock set ahead = ${ms} * interval '1 millisecond'`)
    aheadMs = ms
    globalThis.Date = ms === 0 ? RealDate : dateAhead(ms)
  }
  return {
    realNow: RealDate.now,
    aheadMs: () => aheadMs,
    setAhead,
    around: listener => (request, response) => {
      if (aheadMs !== 0) response.setHeader('Date', new Date().toUTCString())
      listener(request, response)
    },
    stop() {
      globalThis.Date = RealDate
    },
  }
}

/**
 * PostgreSQL calls its own functions by their number, without reading their definition. But its planner inlines a function in SQL: so each
 * expression with now(), also in a default, becomes one with sandbox.now(). That one reads a table, so it is not inlined into a plan.
 */
async function replaceNow(write: Database['write']) {
  await write('create clock', sql`create schema sandbox create table clock (ahead interval not null)`)
  await write('start clock', sql`insert into sandbox.clock values ('0')`)
  await write(
    'create now',
    sql`
    create function sandbox.now() returns timestamptz language sql stable parallel safe
    as $$ select transaction_timestamp() + ahead from sandbox.clock $$`,
  )
  await write(
    'replace now',
    sql`
    create or replace function pg_catalog.now() returns timestamptz language sql stable parallel safe
    as $$ select sandbox.now() $$`,
  )
}

/** Date of this process, so many ms ahead. Timers and performance.now() keep the real time, and so do the ids that Node makes. */
function dateAhead(ms: number): DateConstructor {
  const now = () => RealDate.now() + ms
  return new Proxy(RealDate, {
    apply: () => new RealDate(now()).toString(),
    construct: (target, values, newTarget) => Reflect.construct(target, values.length === 0 ? [now()] : values, newTarget),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  })
}
