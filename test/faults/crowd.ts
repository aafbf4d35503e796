// Many people who read and write all the time, and what they saw.
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { expect, vi } from 'vitest'
import { client } from '../support/client.ts'
import { tokenOf } from '../support/taskspec.ts'

/** `at` is when the answer was there. */
export type Call = { write: boolean; title: string; status: number; ms: number; at: number }
export type Seen = { calls: Call[]; wrong: string[] }
type Task = { id: string; title: string; labels: string[] }

export type Crowd = {
  calls: Call[]
  /** Until somebody was refused, and the server says that it isn't ready. */
  refused: () => Promise<void>
  /** Until everybody is served again, which takes 5 seconds at most: for a while nobody is refused, and the server says that it is ready. */
  served: () => Promise<void>
  /** Ends with what they saw; `wrong` is all that can't be, in words. */
  leave: () => Promise<Seen>
}

let crowds = 0

/**
 * Starts the people, who rest so many ms after each task, and somebody who asks all the time how the server is: not `behind` a proxy,
 * which answers for a server that is away.
 */
export async function crowd(url: string, size: number, { rest = 0, behind = false } = {}): Promise<Crowd> {
  const calls: Call[] = []
  const ready: { status: number; at: number }[] = []
  const wrong: string[] = []
  const name = `crowd${crowds++}`
  let going = true

  async function watch() {
    const anybody = client(url, undefined)
    for (; going; await sleep(50)) {
      try {
        const [alive, { status }] = await Promise.all([anybody.send('GET', '/livez'), anybody.send('GET', '/readyz')])
        if (alive.status !== 200) wrong.push(`/livez answered ${alive.status}`)
        if (status !== 200 && status !== 503) wrong.push(`/readyz answered ${status}`)
        ready.push({ status, at: performance.now() })
      } catch (error) {
        wrong.push(`health: ${error}`)
      }
    }
  }

  async function live(person: string) {
    const me = client(url, await tokenOf(person))
    const mine = (task: Task) => task.title.startsWith(`${person}:`) && task.labels[0] === person

    async function call<Body>(method: string, path: string, title: string, body?: object): Promise<Body | undefined> {
      const began = performance.now()
      try {
        const { status, headers, body: answer } = await me.send(method, `/v1/users/me/tasks${path}`, body && json(body))
        const at = performance.now()
        calls.push({ write: body !== undefined, title, status, ms: at - began, at })
        if (status === (method === 'POST' ? 201 : 200)) return answer as Body
        const kind = `${status} ${headers.get('content-type')}`
        if (kind !== '503 application/problem+json') wrong.push(`${method} of ${title} was answered with ${kind}`)
        if (!/^[1-9]\d*$/.test(headers.get('retry-after') ?? '')) wrong.push(`${method} of ${title} was not told when to come back`)
        await sleep(20) // as Retry-After asks for, but shorter: so that they don't crowd out what has to come back
      } catch (error) {
        wrong.push(`${method} of ${title}: ${error}`)
      }
    }

    for (let i = 0; going; i++, rest > 0 && (await sleep(rest))) {
      const title = `${person}:${i}`
      const labels = [person, `"{${i}},\\`, 'null']
      const made = await call<Task>('POST', '', title, { title, labels })
      if (made !== undefined && (made.title !== title || `${made.labels}` !== `${labels}`)) wrong.push(`${title} was made as ${made.title}`)
      const all = await call<{ items: Task[] }>('GET', '?limit=20', title)
      for (const task of all?.items ?? []) if (!mine(task)) wrong.push(`${title} was shown ${task.title}`)
      if (made === undefined) continue
      const one = await call<Task>('GET', `/${made.id}`, title)
      if (one !== undefined && (one.id !== made.id || one.title !== title)) wrong.push(`${title} was read as ${one.title}`)
      const changed = await call<Task>('PATCH', `/${made.id}`, title, { labels: [...labels, 'changed'] })
      if (changed !== undefined && (changed.id !== made.id || !mine(changed))) wrong.push(`${title} was changed as ${changed.title}`)
    }
  }

  const people = Array.from({ length: size }, (_, i) => live(`${name}-${i}`))
  if (!behind) people.push(watch())
  return {
    calls,
    async refused() {
      const since = performance.now()
      const later = ({ status, at }: { status: number; at: number }) => at > since && status === 503
      await vi.waitFor(() => expect([calls.some(later), ready.some(later)]).toEqual([true, true]), 10_000)
    },
    async served() {
      const since = performance.now()
      await vi.waitFor(
        () => {
          const recent = calls.filter(({ at }) => at > Math.max(since, performance.now() - quiet))
          expect(tally(recent)).toEqual({ 200: expect.any(Number), 201: expect.any(Number) })
          expect(performance.now() - since).toBeGreaterThan(quiet)
          expect(ready.at(-1)).toMatchObject({ status: 200 })
        },
        { timeout: 5_000 + quiet, interval: 20 },
      )
    },
    async leave() {
      going = false
      await Promise.all(people)
      return { calls, wrong }
    },
  }
}

const quiet = 500 // ms

/**
 * What every fault must keep: each call was carried out, or refused with 503, Retry-After and a problem, and none waited longer than promised;
 * everybody was shown their own only; /livez was 200 all the time; what was confirmed is there, and nothing is there twice.
 */
export async function expectPromises({ calls, wrong }: Seen, databaseUrl: string, longest = 5_000): Promise<void> {
  expect(wrong).toEqual([])
  expect(Math.max(0, ...calls.map(({ ms }) => ms))).toBeLessThan(longest) // ms: 3 s for the statement, and the rest for a busy machine
  await expectKept(databaseUrl, calls)
}

/** How often each status was seen. */
export function tally(calls: { status: number }[]): Record<string, number> {
  return Object.fromEntries(
    Map.groupBy(calls, ({ status }) => status)
      .entries()
      .map(([status, { length }]) => [status, length]),
  )
}

/** Every task whose creation was confirmed is there, and none is there twice. */
async function expectKept(databaseUrl: string, calls: Call[]): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1 })
  const titles = (await sql<{ title: string }[]>`select title from tasks where title like 'crowd%'`).map(({ title }) => title)
  await sql.end()
  const there = new Set(titles)
  expect(titles).toHaveLength(there.size)
  expect(calls.filter(({ status, title }) => status === 201 && !there.has(title))).toEqual([])
}

/** The server has all of its `size` connections, no more, and each of them works. */
export async function expectFullPool(url: string, databaseUrl: string, size: number): Promise<void> {
  const names = Array.from({ length: size + 2 }, (_, i) => `crowd${crowds}-full-${i}`)
  crowds++
  const people = await Promise.all(names.map(async name => client(url, await tokenOf(name))))
  for (const person of people) await person.getUser()
  const sql = postgres(databaseUrl, { max: 2 })
  const holder = await sql.reserve()

  /** What the connections do when more statements come than there are connections, and none gets on. */
  async function crush() {
    await holder`begin`
    await holder`select from users where id = any(${names}) for update`
    const changes = Promise.all(people.map(person => person.send('PATCH', '/v1/users/me', json({ name: 'x' }))))
    try {
      await vi.waitFor(async () => expect(await waiting()).toEqual(Array(size).fill(true)), 1_400)
    } finally {
      await holder`rollback`
      await changes
    }
    return changes
  }
  async function waiting() {
    const rows = await sql<{ waiting: boolean }[]>`
      select wait_event_type = 'Lock' as waiting
      from pg_stat_activity
      where application_name = 'taskspec' and datname = current_database()`
    return rows.map(({ waiting }) => waiting)
  }

  // All have to come in the time that one statement may take, which a busy machine can miss.
  const answers = await vi.waitFor(crush, { timeout: 10_000 })
  expect(answers.map(({ status }) => status)).toEqual(people.map(() => 200))
  holder.release()
  await sql.end()
}

export function json(body: object) {
  return { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
}
