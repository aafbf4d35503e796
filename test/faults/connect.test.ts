// What stands between the server and its database fails: a proxy, a network, an address.
import postgres from 'postgres'
import { expect, type TestContext, vi } from 'vitest'
import { client } from '../support/client.ts'
import { createDatabase, start, test, tokenOf } from '../support/taskspec.ts'
import { line, listener } from './line.ts'

type AtEnd = TestContext['onTestFinished']

test.concurrent('an address that nobody can reach is a database that is away', async ({ onTestFinished }) => {
  const { ann } = await setUp(onTestFinished, 'postgres://taskspec@255.255.255.255/postgres')
  await expectAway(ann)
})

test.concurrent('a proxy without a database behind it is a database that is away, and is not stormed', async ({ onTestFinished }) => {
  const proxy = await listener(onTestFinished, socket => socket.end())
  const { ann } = await setUp(onTestFinished, `postgres://taskspec@127.0.0.1:${proxy.port}/postgres`)
  await expectAway(ann)
  expect(proxy.taken()).toBeLessThan(100)
})

test.concurrent('a proxy that never says a word is a database that is away, and keeps no connection', async ({ onTestFinished }) => {
  const proxy = await listener(onTestFinished, socket => socket.resume())
  const { ann } = await setUp(onTestFinished, `postgres://taskspec@127.0.0.1:${proxy.port}/postgres`)
  await expectAway(ann)
  await vi.waitFor(() => expect(proxy.open()).toBe(0))
})

test.concurrent('a database that stalls in the middle of connecting does not end the server', async ({ onTestFinished }) => {
  const database = await fresh(onTestFinished)
  const sql = postgres(database.url, { max: 1 })
  const { ann } = await setUp(onTestFinished, database.url)
  await sql`begin`
  await sql`lock table pg_catalog.pg_type in access exclusive mode`
  await expectAway(ann)
  await sql`rollback`
  await sql.end()
  await ann.createTask({ body: { title: 'a' } })
})

test('when the answer is lost, a reader gets it another way, and a writer is told and not repeated', async ({ onTestFinished }) => {
  const database = await fresh(onTestFinished)
  const way = await line(onTestFinished, database.url)
  const { ann } = await setUp(onTestFinished, way.url, 1)
  const { body: task } = await ann.createTask({ body: { title: 'a' } })

  // There is a second for the other way, which a busy machine can miss.
  await vi.waitFor(() => {
    way.loseNextAnswer()
    return ann.getTask({ path: { taskId: task.id } }, 200)
  }, 10_000)
  // What was prepared before is done when the first answer comes.
  await ann.createTask({ body: { title: 'b' } })
  way.loseNextAnswer()
  await ann.createTask({ body: { title: 'c' } }, 503)
  expect(way.lost()).toBeGreaterThanOrEqual(2)
  const { items } = (await ann.listTasks({ query: { sort: 'createdAt' } })).body
  expect(items.map(({ title }) => title)).toEqual(['a', 'b', 'c'])
})

async function fresh(atEnd: AtEnd) {
  const database = await createDatabase()
  atEnd(database.drop)
  return database
}

async function setUp(atEnd: AtEnd, databaseUrl: string, poolSize = 2) {
  const { url, stop } = await start({ databaseUrl, poolSize })
  atEnd(stop)
  return { ann: client(url, await tokenOf('ann')) }
}

async function expectAway(ann: ReturnType<typeof client>) {
  const began = performance.now()
  const answers = await Promise.all([ann.listTasks({}, 503), ann.createTask({ body: { title: 'a' } }, 503), ann.getReadiness({}, 503)])
  expect(performance.now() - began).toBeLessThan(5_000)
  for (const { headers } of answers) expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  await ann.getLiveness()
}
