import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { describe, expect, type TestContext, vi } from 'vitest'
import { client } from '../support/client.ts'
import { createDatabase, start, test, tokenOf } from '../support/taskspec.ts'
import { crowd, expectFullPool, expectPromises, json, tally } from './crowd.ts'

test.concurrent('a statement that has to wait is given up, and nobody else notices', async ({ onTestFinished }) => {
  const { as, hold, waiting } = await setUp(onTestFinished, 4)
  const [ann, bob] = [await as('ann'), await as('bob')]
  await ann.getUser()
  const release = await hold('ann')

  let answered = false
  const slow = ann.updateUser({ body: { name: 'x' } }, 503).finally(() => {
    answered = true
  })
  const began = performance.now()
  await waiting(1)
  for (let i = 0; i < 10; i++) {
    await bob.createTask({ body: { title: 'a' } })
    await ann.listTasks()
  }
  expect(answered).toBe(false)
  expect((await slow).headers.get('retry-after')).toBe('5')
  expect(performance.now() - began).toBeLessThan(5_000)

  await release()
  await ann.updateUser({ body: { timeZone: 'Europe/Berlin' } })
  expect((await ann.getUser()).body.name).toBe(null)
})

test.concurrent('who waits too long for a connection is sent away, and the statement with them', async ({ onTestFinished }) => {
  const { as, hold, waiting, sql, expectFull } = await setUp(onTestFinished, 2)
  const [ann, bob, eve] = [await as('ann'), await as('bob'), await as('eve')]
  await ann.getUser()
  await bob.getUser()
  const release = await hold('ann', 'bob')

  // They keep coming, so that whoever comes after them has somebody in front for as long as they wait.
  const crush: Promise<{ status: number }>[] = []
  const press = setInterval(() => crush.push(...[ann, bob].map(each => each.send('PATCH', '/v1/users/me', json({ name: 'x' })))), 50)
  onTestFinished(() => clearInterval(press))
  await waiting(2)
  const refused = await Promise.all([
    eve.createTask({ body: { title: 'late' } }, 503),
    eve.putTask({ path: { taskId: '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12' }, body: { title: 'late' } }, 503),
    eve.listTasks({}, 503),
  ])
  clearInterval(press)
  for (const { headers, body } of refused) {
    expect(body.detail).toContain('wait for the database')
    expect(headers.get('retry-after')).toBe('1')
  }
  expect(tally(await Promise.all(crush))).toEqual({ 503: crush.length })
  await release()

  // What waited in a queue somewhere would be sent before what comes now.
  expect((await eve.listTasks()).body.items).toEqual([])
  await expectFull()
  expect(await sql`select from users where id = 'eve'`).toHaveLength(0)
})

describe('when every connection is cut', () => {
  test('between requests nobody notices', async ({ onTestFinished }) => {
    const { as, cut, gone } = await setUp(onTestFinished, 4)
    const ann = await as('ann')
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 8 }, () => ann.listTasks()))
      await cut()
      await gone()
      await ann.createTask({ body: { title: 'a' } })
      await cut()
      await Promise.all(Array.from({ length: 8 }, () => ann.listTasks()))
    }
  })

  test('under load every reader is served, and a writer may have to ask again', async ({ onTestFinished }) => {
    const { url, databaseUrl, cut, expectFull } = await setUp(onTestFinished, 4)
    const people = await crowd(url, 8)
    for (let round = 0; round < 8; round++) {
      await sleep(250)
      await cut()
    }
    const seen = await people.leave()
    expect(tally(seen.calls.filter(({ write }) => !write))).toEqual({ 200: expect.any(Number) })
    await expectPromises(seen, databaseUrl)
    await expectFull()
  })
})

/** A server with a database of the test's own, and a session beside it. */
async function setUp(atEnd: TestContext['onTestFinished'], poolSize: number) {
  const database = await createDatabase()
  const { url, stop } = await start({ databaseUrl: database.url, poolSize })
  const sql = postgres(database.url, { max: 2, onnotice: () => {} })
  const theirs = sql`from pg_stat_activity where datname = current_database() and application_name = 'taskspec'`
  atEnd(async () => {
    await stop()
    await sql.end({ timeout: 1 })
    await database.drop()
  })
  return {
    url,
    databaseUrl: database.url,
    sql,
    as: async (name: string) => client(url, await tokenOf(name)),
    expectFull: () => expectFullPool(url, database.url, poolSize),
    /** Locks the rows of these people until it is let go. */
    async hold(...people: string[]) {
      const session = await sql.reserve()
      await session`begin`
      await session`select from users where id = any(${people}) for update`
      return async () => {
        await session`rollback`
        session.release()
      }
    },
    /** Until so many statements wait for a lock. */
    waiting: (count: number) =>
      vi.waitFor(async () => {
        const rows = await sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
        expect(rows).toHaveLength(count)
      }, 5_000),
    /** Ends every connection of the server from the side of the database. */
    async cut() {
      await sql`select pg_terminate_backend(pid) ${theirs}`
    },
    /** Until the server can know that its connections are gone. */
    async gone() {
      await vi.waitFor(async () => expect(await sql`select pid ${theirs}`).toHaveLength(0), 5_000)
      await sleep(100)
    },
  }
}
