// The way to the database is cut while people work, for seconds or again and again.
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { expect, type TestContext, vi } from 'vitest'
import { client } from '../client.ts'
import { createDatabase, start, test, tokenOf } from '../taskspec.ts'
import { crowd, expectFullPool, expectPromises, tally } from './crowd.ts'
import { line } from './line.ts'

const long = 10_000 // ms
const people = 4

test.concurrent.for([
  ['refuses connections', 'hangUp', 'listen'],
  ['takes connections and closes them', 'slam', 'mend'],
] as const)('who %s for ten seconds is away, and welcome afterwards', async ([, away, again], { onTestFinished }) => {
  const { url, databaseUrl, way } = await setUp(onTestFinished)
  const crew = await crowd(url, people)
  await crew.served()

  way[away]()
  const from = way.taken()
  const over = sleep(long)
  await crew.refused()
  const cut = performance.now()
  await over
  expect(tally(crew.calls.filter(({ at }) => at > cut))).toEqual({ 503: expect.any(Number) })
  expect(way.taken() - from).toBeLessThan(1_000) // nobody storms the door

  await way[again]()
  await crew.served()
  await expectPromises(await crew.leave(), databaseUrl)
  await expectFullPool(url, databaseUrl, 4)
})

test.concurrent('sixty cuts in twenty seconds keep nobody from working', async ({ onTestFinished }) => {
  const { url, databaseUrl, way } = await setUp(onTestFinished)
  const crew = await crowd(url, people)
  for (let cut = 0; cut < 60; cut++) {
    await sleep(333)
    way.reset()
  }
  await crew.served()
  await expectPromises(await crew.leave(), databaseUrl)
  expect(tally(crew.calls)[201]).toBeGreaterThan(60)
  await expectFullPool(url, databaseUrl, 4)
})

test.concurrent('a backend that ends in the middle of a statement takes nobody with it', async ({ onTestFinished }) => {
  const { url, databaseUrl } = await setUp(onTestFinished)
  const sql = postgres(databaseUrl, { max: 2 })
  onTestFinished(() => sql.end())
  const ann = client(url, await tokenOf('ann'))
  await ann.getUser()
  const holder = await sql.reserve()

  /** Ends the backend of whoever waits for the lock that stands in the way of the statement. */
  async function endWaiting(lock: string) {
    await holder`begin`
    await holder.unsafe(lock)
    return async () => {
      await vi.waitFor(
        async () =>
          expect(
            await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          ).toHaveLength(1),
        5_000,
      )
      await holder`rollback`
    }
  }

  const endWrite = await endWaiting("select from users where id = 'ann' for update")
  const [{ headers }] = await Promise.all([ann.updateUser({ body: { name: 'x' } }, 503), endWrite()])
  expect(headers.get('retry-after')).toBe('1')
  expect((await ann.getUser()).body.name).toBe(null)
  const endRead = await endWaiting('lock table tasks in access exclusive mode')
  await Promise.all([ann.listTasks(), endRead()])
  holder.release()
})

/** A server, its database, and the way between them. */
async function setUp(atEnd: TestContext['onTestFinished']) {
  const database = await createDatabase()
  atEnd(database.drop)
  const way = await line(atEnd, database.url)
  const { url, stop } = await start({ databaseUrl: way.url })
  atEnd(stop)
  return { url, databaseUrl: database.url, way }
}
