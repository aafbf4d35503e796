// Statements that wait for locks or for a connection, and connections that are cut.
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { describe, expect, type TestContext } from 'vitest'
import { client } from '../support/client.ts'
import { eventually, steadyMs, within } from '../support/clock.ts'
import { lockWaits } from '../support/lock.ts'
import { createDatabase, start, test, tokenOf } from '../support/taskspec.ts'
import { crowd, expectFullPool, expectPromises, json, tally } from './crowd.ts'

test.concurrent('a statement that waits for a lock times out, and other requests do not wait', async ({ onTestFinished }) => {
  const { as, hold, waiting } = await setUp(onTestFinished, 4)
  const [ann, bob] = [await as('ann'), await as('bob')]
  await eventually(() => Promise.all([ann.getUser(), bob.getUser()]))

  // The others are answered before the timeout. A busy machine needs several attempts to show that.
  await eventually(async () => {
    const release = await hold('ann')
    const began = steadyMs()
    let answered = false
    const slow = ann.send('PATCH', '/v1/users/me', json({ name: 'x' })).finally(() => {
      answered = true
    })
    try {
      await waiting(1)
      await bob.createTask({ body: { title: 'a' } })
      await ann.listTasks()
      expect(answered).toBe(false)
    } finally {
      await slow
      await release()
    }
    const { status, headers } = await slow
    expect([status, headers.get('retry-after')]).toEqual([503, '5'])
    expect(steadyMs() - began).toBeLessThan(5_000)
  })

  await ann.updateUser({ body: { timeZone: 'Europe/Berlin' } })
  expect((await ann.getUser()).body.name).toBe(null)
})

test.concurrent('a request that waits too long for a connection is refused, and its statement is never sent', async ({
  onTestFinished,
}) => {
  const { as, hold, waiting, sql, expectFull } = await setUp(onTestFinished, 2)
  const [ann, bob] = [await as('ann'), await as('bob')]
  await eventually(() => Promise.all([ann.getUser(), bob.getUser()]))
  const release = await hold('ann', 'bob')

  // New requests keep arriving, so that a later one always has others before it.
  const crush: Promise<{ status: number }>[] = []
  const timer = setInterval(() => crush.push(...[ann, bob].map(each => each.send('PATCH', '/v1/users/me', json({ name: 'x' })))), 50)
  onTestFinished(async () => {
    clearInterval(timer)
    await Promise.allSettled(crush)
  })
  await waiting(2)
  // On a busy machine a request may find the queue empty, and succeed. So each attempt has a user of its own.
  let attempts = 0
  let eve = ann
  const refused = await eventually(async () => {
    eve = await as(`eve-${++attempts}`)
    const taskId = '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12'
    const replies = await Promise.all([
      eve.send('POST', '/v1/users/me/tasks', json({ title: 'late' })),
      eve.send('PUT', `/v1/users/me/tasks/${taskId}`, json({ title: 'late' })),
      eve.send('GET', '/v1/users/me/tasks'),
    ])
    expect(replies.map(({ status }) => status)).toEqual([503, 503, 503])
    return replies as { headers: Headers; body: { detail: string } }[]
  })
  clearInterval(timer)
  for (const { headers, body } of refused) {
    expect(body.detail).toContain('wait for the database')
    expect(headers.get('retry-after')).toBe('1')
  }
  expect(tally(await Promise.all(crush))).toEqual({ 503: crush.length })
  await release()

  // A statement that still waited in a queue would be sent before this one.
  expect((await eve.listTasks()).body.items).toEqual([])
  await expectFull()
  expect(await sql`select from users where id = ${`eve-${attempts}`}`).toHaveLength(0)
})

describe.concurrent('when every connection is cut', () => {
  test('between requests, no request is refused', async ({ onTestFinished }) => {
    const { as, cut, gone } = await setUp(onTestFinished, 4, 10)
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

  test('under load, every read is answered, and a write may be refused', async ({ onTestFinished }) => {
    const { url, databaseUrl, cut, expectFull } = await setUp(onTestFinished, 4, 10)
    const users = await crowd(url, 8)
    for (let round = 0; round < 8; round++) {
      const from = users.calls.length
      await eventually(() => expect(tally(users.calls.slice(from))[201] ?? 0).toBeGreaterThan(8))
      await cut()
    }
    await users.served()
    const seen = await users.leave()
    expect(tally(seen.calls.filter(({ write }) => !write))).toEqual({ 200: expect.any(Number) })
    await expectPromises(seen, databaseUrl)
    await expectFull()
  })
})

/** A server with a database of the test's own, and a session beside it. */
async function setUp(atEnd: TestContext['onTestFinished'], poolSize: number, databaseFactor = 1) {
  const database = await createDatabase()
  const { url, stop } = await start({ databaseUrl: database.url, poolSize, timeouts: { databaseFactor } })
  const sql = postgres(database.url, { max: 2, onnotice: () => {} })
  const connections = sql`from pg_stat_activity where datname = current_database() and application_name = 'taskspec'`
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
    /** Locks the rows of these users until the returned function is called. */
    async hold(...users: string[]) {
      const session = await sql.reserve()
      await session`begin`
      await session`select from users where id = any(${users}) for update`
      return async () => {
        await session`rollback`
        session.release()
      }
    },
    /** Waits until so many statements wait for a lock. */
    waiting: (count: number) =>
      within(5_000, async () => {
        const rows = await lockWaits(sql)
        expect(rows).toHaveLength(count)
      }),
    /** Ends every connection of the server from the side of the database. */
    async cut() {
      await sql`select pg_terminate_backend(pid) ${connections}`
    },
    /** Waits until the server can know that its connections are gone. */
    async gone() {
      await eventually(async () => expect(await sql`select pid ${connections}`).toHaveLength(0))
      await sleep(100)
    },
  }
}
