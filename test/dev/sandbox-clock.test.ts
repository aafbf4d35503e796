import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createSandbox } from '../../src/dev/sandbox.ts'
import { client } from '../support/client.ts'
import { inDevelopment } from '../support/spec.ts'

let sandbox: Awaited<ReturnType<typeof createSandbox>>
beforeAll(async () => {
  sandbox = await createSandbox({ port: 0 })
})
afterAll(() => sandbox.stop())
beforeEach(() => reset())

const dayMs = 86_400_000
const RealDate = Date // the clock of this process is that of the sandbox

type Times = { now: string; realNow: string }
async function control(path: string, body?: object) {
  const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const reply = await fetch(`${sandbox.url}/sandbox/${path}`, init)
  return { status: reply.status, body: (await reply.json()) as Times & { token: string }, date: reply.headers.get('date') ?? '' }
}
const reset = () => fetch(`${sandbox.url}/sandbox/reset`, { method: 'POST' })
const move = (body: object) => control('clock', body)
const as = async (id: string) => client(sandbox.url, (await control(`tokens/${id}`)).body.token, inDevelopment)
const ahead = ({ now, realNow }: Times) => RealDate.parse(now) - RealDate.parse(realNow)

/** Whether the value is what the real clock says, so many ms ahead, during the work. */
async function duringWork<Result>(aheadMs: number, work: () => Promise<Result>, instant: (result: Result) => string): Promise<Result> {
  const [before, result, after] = [RealDate.now(), await work(), RealDate.now()]
  expect(RealDate.parse(instant(result)) - aheadMs).toBeGreaterThanOrEqual(before - 1) // PostgreSQL has microseconds
  expect(RealDate.parse(instant(result)) - aheadMs).toBeLessThanOrEqual(after + 1)
  return result
}

describe('the clock of the sandbox', () => {
  test('shows the real time at first', async () => {
    const { body } = await duringWork(
      0,
      () => control('clock'),
      reply => reply.body.now,
    )
    expect(ahead(body)).toBe(0)
    expect(Date).toBe(RealDate)
  })

  test('goes ahead by a duration, again and again, and to an instant', async () => {
    expect(ahead((await move({ advance: 'P1DT2H3M4S' })).body)).toBe(dayMs + 7_384_000)
    expect(ahead((await move({ advance: 'PT0.5S' })).body)).toBe(dayMs + 7_384_500)
    expect((await move({ at: '2999-12-31T21:00:00+02:00' })).body.now).toMatch(/^2999-12-31T19:/)
    const { body, date } = await control('clock')
    expect(body.now).toMatch(/^2999-12-31T19:/)
    expect(date).toMatch(/^Tue, 31 Dec 2999 19:/)
  })

  test('makes tokens expire', async () => {
    const before = await as('alice')
    await before.getUser()
    await move({ advance: 'P6DT23H' })
    await before.getUser()
    await move({ advance: 'PT2H' })
    expect((await before.getUser({}, 401)).body.detail).toMatch(/expired/)
    await (await as('alice')).getUser()
  })

  test('is that of every instant that the database writes', async () => {
    const carol = await as('carol')
    const now = await carol.createTask({ body: { title: 'now' } })
    await move({ advance: 'P3D' })
    const { body: task } = await duringWork(
      3 * dayMs,
      () => carol.createTask({ body: { title: 'later' } }),
      ({ body }) => body.createdAt,
    )
    expect(task.updatedAt).toBe(task.createdAt)
    await move({ advance: 'P1D' })
    const change = { path: { taskId: task.id }, body: { completed: true } }
    const { body: done } = await duringWork(
      4 * dayMs,
      () => carol.updateTask(change),
      ({ body }) => body.completedAt ?? '',
    )
    expect(done).toMatchObject({ createdAt: task.createdAt, updatedAt: done.completedAt })
    await duringWork(
      4 * dayMs,
      async () => (await as('dave')).putTask({ path: { taskId: task.id }, body: { title: 'account' } }),
      ({ body }) => body.createdAt,
    )
    const { items } = (await carol.listTasks({ query: { sort: '-createdAt' } })).body
    expect(items.map(({ id }) => id)).toEqual([task.id, now.body.id])
  })

  test('is that of statements whose plan the database has kept', async () => {
    const carol = await as('carol')
    for (
      let i = 0;
      i < 50;
      i++ // PostgreSQL may keep a plan after five uses
    )
      await carol.createTask({ body: { title: `${i}` } })
    await move({ advance: 'P9D' })
    const later = await as('carol')
    for (let i = 0; i < 20; i++)
      await duringWork(
        9 * dayMs,
        () => later.createTask({ body: { title: 'later' } }),
        ({ body }) => body.createdAt,
      )
  })

  test('returns to the real time with a reset, which restores the data', async () => {
    await move({ advance: 'P40D' })
    const alice = await as('alice')
    await alice.createTask({ body: { title: 'future' } })
    await reset()
    expect(ahead((await control('clock')).body)).toBe(0)
    expect((await alice.listTasks({ query: { q: 'future' } })).body.items).toEqual([])
    await duringWork(
      0,
      () => alice.createTask({ body: { title: 'present' } }),
      ({ body }) => body.createdAt,
    )
  })
})

test.for<[body: object, status: number, error: string]>([
  [{ advance: '-P1D' }, 409, 'only goes forward'],
  [{ at: '2026-01-01T00:00:00Z' }, 409, 'only goes forward'],
  [{ advance: 'tomorrow' }, 422, 'must be an ISO 8601 duration'],
  [{ advance: 'P1000Y' }, 422, 'must end before the year 3000'],
  [{ advance: 'P999999Y' }, 422, 'must be'],
  [{ at: '2030-12-31T23:59:60Z' }, 422, 'must be'],
  [{ at: 'tomorrow' }, 422, 'must match format'],
  [{ advance: 'P1D', at: '2030-01-01T00:00:00Z' }, 422, 'must NOT have more than 1 properties'],
  [{}, 422, 'must NOT have fewer than 1 properties'],
  [{ back: 'P1D' }, 422, 'is not known here'],
])('POST /sandbox/clock refuses %o', async ([body, status, error]) => {
  const reply = await move(body)
  expect(reply.status).toBe(status)
  expect(JSON.stringify(reply.body)).toContain(error)
  expect(ahead((await control('clock')).body)).toBe(0)
})

test('no statement of the server asks another clock of PostgreSQL than now()', () => {
  const root = new URL('../../', import.meta.url)
  const files = readdirSync(new URL('src/', root), { recursive: true })
    .map(file => `src/${file}`)
    .filter(file => file.endsWith('.ts') && !/^src\/(cli|dev)\//.test(file))
  const other = /\b(current_(date|time|timestamp)|local(time|timestamp)|(clock|statement|transaction)_timestamp|timeofday|uuidv7)\b/i
  const read = (file: string) => readFileSync(new URL(file, root), 'utf8')
  expect(['db/schema.sql', ...files].filter(file => other.test(read(file)))).toEqual([])
  expect(read('src/cli/findings/database.ts')).toMatch(other)
})
