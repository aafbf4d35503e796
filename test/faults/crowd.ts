// Many people who read and write all the time, and what they saw.
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { expect, vi } from 'vitest'
import { client } from '../client.ts'
import { tokenOf } from '../taskspec.ts'

export type Call = { write: boolean; title: string; status: number; ms: number }
type Task = { id: string; title: string; labels: string[] }

let crowds = 0

/** Starts the people. `leave` ends with what they saw; `wrong` is all that can't be, in words. */
export async function crowd(
  url: string,
  size: number,
): Promise<{ calls: Call[]; leave: () => Promise<{ calls: Call[]; wrong: string[] }> }> {
  const calls: Call[] = []
  const wrong: string[] = []
  const name = `crowd${crowds++}`
  let going = true

  async function live(person: string) {
    const me = client(url, await tokenOf(person))
    const mine = (task: Task) => task.title.startsWith(`${person}:`) && task.labels[0] === person

    async function call<Body>(method: string, path: string, title: string, body?: object): Promise<Body | undefined> {
      const began = performance.now()
      try {
        const { status, body: answer } = await me.send(method, `/v1/users/me/tasks${path}`, body && json(body))
        calls.push({ write: body !== undefined, title, status, ms: performance.now() - began })
        if (status === 503) await sleep(20) // as Retry-After asks for, but shorter: so that they don't crowd out what has to come back
        return status < 300 ? (answer as Body) : undefined
      } catch (error) {
        wrong.push(`${method} of ${title}: ${error}`)
      }
    }

    for (let i = 0; going; i++) {
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
  return {
    calls,
    async leave() {
      going = false
      await Promise.all(people)
      return { calls, wrong }
    },
  }
}

/** How often each status was seen. */
export function tally(calls: { status: number }[]): Record<string, number> {
  return Object.fromEntries(
    Map.groupBy(calls, ({ status }) => status)
      .entries()
      .map(([status, { length }]) => [status, length]),
  )
}

export function slowest(calls: Call[]): number {
  return Math.max(0, ...calls.map(({ ms }) => ms))
}

/** Every task whose creation was confirmed is there, and none is there twice. */
export async function expectKept(databaseUrl: string, calls: Call[]): Promise<void> {
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
