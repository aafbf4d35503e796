// Many users who read and write all the time, and a record of their replies.
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { expect } from 'vitest'
import { client } from '../support/client.ts'
import { eventually, steadyMs, within } from '../support/clock.ts'
import { tokenOf } from '../support/taskspec.ts'

/** `at`: when the reply arrived, by performance.now(); `ms`: how long it took, on the steady clock. */
export type Call = { write: boolean; title: string; status: number; ms: number; at: number }
export type Seen = { calls: Call[]; wrong: string[] }
type Task = { id: string; title: string; labels: string[] }

export type Crowd = {
  calls: Call[]
  /** Waits until a request was refused, and the server says that it isn't ready. */
  refused: () => Promise<void>
  /** Waits until each user is served again: a whole round since the last refusal, with a server that is ready. */
  served: () => Promise<void>
  /** Ends the users and returns their replies; `wrong` describes everything that must not happen. */
  leave: () => Promise<Seen>
}

let crowds = 0

/**
 * Starts the users, and a client that asks for the health of the server all the time. `rest`: ms after each round, because the processes that
 * recover need the CPU too. Not `behind` a proxy, which answers for a server that is away. `isOlder`: a server of an earlier release.
 */
export async function crowd(url: string, size: number, { rest = 60, behind = false, isOlder = false } = {}): Promise<Crowd> {
  const calls: Call[] = []
  const ready: { status: number; at: number }[] = []
  const wrong: string[] = []
  const name = `crowd${crowds++}`
  const users = Array.from({ length: size }, (_, i) => `${name}-${i}`)
  /** when the last round of a user began whose calls all succeeded */
  const goodRounds = new Map<string, number>()
  let lastRefusal = 0
  let going = true

  async function watchHealth() {
    const anonymous = client(url, undefined, [], isOlder)
    for (; going; await sleep(100)) {
      try {
        const [alive, { status }] = await Promise.all([anonymous.send('GET', '/livez'), anonymous.send('GET', '/readyz')])
        if (alive.status !== 200) wrong.push(`/livez answered ${alive.status}`)
        if (status !== 200 && status !== 503) wrong.push(`/readyz answered ${status}`)
        ready.push({ status, at: performance.now() })
      } catch (error) {
        wrong.push(`health: ${error}`)
      }
    }
  }

  async function live(user: string) {
    const me = client(url, await tokenOf(user), [], isOlder)
    const isMine = (task: Task) => task.title.startsWith(`${user}:`) && task.labels[0] === user

    async function call<Body>(method: string, path: string, title: string, body?: object): Promise<Body | undefined> {
      const began = steadyMs()
      try {
        const { status, headers, body: reply } = await me.send(method, `/v1/users/me/tasks${path}`, body && json(body))
        const at = performance.now()
        calls.push({ write: body !== undefined, title, status, ms: steadyMs() - began, at })
        if (status === (method === 'POST' ? 201 : 200)) return reply as Body
        lastRefusal = at
        const kind = `${status} ${headers.get('content-type')}`
        if (kind !== '503 application/problem+json') wrong.push(`${method} of ${title} was answered with ${kind}`)
        if (!/^[1-9]\d*$/.test(headers.get('retry-after') ?? '')) wrong.push(`${method} of ${title} had no Retry-After`)
        await sleep(50) // as Retry-After asks, but shorter: retries must not take the CPU that the recovery needs
      } catch (error) {
        wrong.push(`${method} of ${title}: ${error}`)
      }
    }

    /** Whether every call succeeded. */
    async function round(title: string): Promise<boolean> {
      const labels = [user, `"{${title}},\\`, 'null']
      const created = await call<Task>('POST', '', title, { title, labels })
      if (created !== undefined && (created.title !== title || `${created.labels}` !== `${labels}`))
        wrong.push(`${title} was created as ${created.title}`)
      const all = await call<{ items: Task[] }>('GET', '?limit=20', title)
      for (const task of all?.items ?? []) if (!isMine(task)) wrong.push(`${title} was shown ${task.title}`)
      if (created === undefined) return false
      const one = await call<Task>('GET', `/${created.id}`, title)
      if (one !== undefined && (one.id !== created.id || one.title !== title)) wrong.push(`${title} was read as ${one.title}`)
      const changed = await call<Task>('PATCH', `/${created.id}`, title, { labels: [...labels, 'changed'] })
      if (changed !== undefined && (changed.id !== created.id || !isMine(changed))) wrong.push(`${title} was changed as ${changed.title}`)
      return all !== undefined && one !== undefined && changed !== undefined
    }

    for (let i = 0; going; i++, await sleep(rest)) {
      const began = performance.now()
      if (await round(`${user}:${i}`)) goodRounds.set(user, began)
    }
  }

  const running = users.map(live)
  if (!behind) running.push(watchHealth())
  return {
    calls,
    async refused() {
      const since = performance.now()
      const isRefusal = ({ status, at }: { status: number; at: number }) => at > since && status === 503
      await eventually(() => expect([calls.some(isRefusal), ready.some(isRefusal)]).toEqual([true, true]))
    },
    async served() {
      const called = performance.now()
      // 5 s for the server to recover; the rest is tolerance, because PostgreSQL needs CPU time too.
      await within(10_000, () => {
        const since = Math.max(called, lastRefusal)
        expect(users.filter(user => (goodRounds.get(user) ?? 0) < since)).toEqual([])
        if (!behind) expect(ready.at(-1)).toMatchObject({ status: 200, at: expect.toSatisfy(at => at > since) })
      })
    },
    async leave() {
      going = false
      await Promise.all(running)
      return { calls, wrong }
    },
  }
}

/**
 * The guarantees during every fault. Each call was carried out, or refused with 503, Retry-After and a problem. None took too long.
 * Each user was shown their own tasks only. /livez was 200 all the time. Each confirmed task is there, and none is there twice.
 */
export async function expectPromises({ calls, wrong }: Seen, databaseUrl: string, maxMs = 5_000): Promise<void> {
  expect(wrong).toEqual([])
  expect(Math.max(0, ...calls.map(({ ms }) => ms))).toBeLessThan(maxMs) // 3 s for the statement; the rest is tolerance
  await expectKept(databaseUrl, calls)
}

/** The number of calls for each status. */
export function tally(calls: { status: number }[]): Record<string, number> {
  return Object.fromEntries(
    Map.groupBy(calls, ({ status }) => status)
      .entries()
      .map(([status, { length }]) => [status, length]),
  )
}

/** Each task whose creation was confirmed is there, and none is there twice. */
async function expectKept(databaseUrl: string, calls: Call[]): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1 })
  const titles = (await sql<{ title: string }[]>`select title from tasks where title like 'crowd%'`).map(({ title }) => title)
  await sql.end()
  const kept = new Set(titles)
  expect(titles).toHaveLength(kept.size)
  expect(calls.filter(({ status, title }) => status === 201 && !kept.has(title))).toEqual([])
}

/** The server has all of its `size` connections, no more, and each of them works. */
export async function expectFullPool(url: string, databaseUrl: string, size: number): Promise<void> {
  const names = Array.from({ length: size + 2 }, (_, i) => `crowd${crowds}-full-${i}`)
  crowds++
  const users = await Promise.all(names.map(async name => client(url, await tokenOf(name))))
  for (const user of users) await user.getUser()
  const sql = postgres(databaseUrl, { max: 2 })
  const holder = await sql.reserve()

  /** Sends more statements than there are connections while a lock holds all of them up. */
  async function fillPool() {
    await holder`begin`
    await holder`select from users where id = any(${names}) for update`
    const changes = Promise.all(users.map(user => user.send('PATCH', '/v1/users/me', json({ name: 'x' }))))
    try {
      await within(1_000, async () => expect(await waiting()).toEqual(Array(size).fill(true)))
    } finally {
      await holder`rollback`
      await changes
    }
    expect(tally(await changes)).toEqual({ 200: users.length })
  }
  async function waiting() {
    const rows = await sql<{ waiting: boolean }[]>`
      select wait_event_type = 'Lock' as waiting
      from pg_stat_activity
      where application_name = 'taskspec' and datname = current_database()`
    return rows.map(({ waiting }) => waiting)
  }

  // All of them must arrive before the first statement times out, after 1.5 s. A busy machine needs several attempts.
  await eventually(fillPool)
  holder.release()
  await sql.end()
}

export function json(body: object) {
  return { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
}
