// The path to the database fails: a proxy, a network, an address.
import postgres from 'postgres'
import { expect, type TestContext } from 'vitest'
import { client } from '../support/client.ts'
import { eventually, steadyMs } from '../support/clock.ts'
import { createDatabase, start, test, tokenOf } from '../support/taskspec.ts'
import { createLine, createListener } from './line.ts'

type AtEnd = TestContext['onTestFinished']

test.concurrent('an unreachable address makes the database unavailable', async ({ onTestFinished }) => {
  const { ann } = await setUp(onTestFinished, 'postgres://taskspec@255.255.255.255/postgres')
  await expectUnavailable(ann)
})

test.concurrent('a proxy without a database behind it makes the database unavailable, and is not stormed', async ({ onTestFinished }) => {
  const proxy = await createListener(onTestFinished, socket => socket.end())
  const { ann } = await setUp(onTestFinished, `postgres://taskspec@127.0.0.1:${proxy.port}/postgres`)
  await expectUnavailable(ann)
  expect(proxy.accepted()).toBeLessThan(100)
})

test.concurrent('a proxy that never answers makes the database unavailable, and no connection stays', async ({ onTestFinished }) => {
  const proxy = await createListener(onTestFinished, socket => socket.resume())
  const { ann } = await setUp(onTestFinished, `postgres://taskspec@127.0.0.1:${proxy.port}/postgres`)
  await expectUnavailable(ann)
  await eventually(() => expect(proxy.open()).toBe(0))
})

test.concurrent('a database that stalls while a connection is set up does not end the server', async ({ onTestFinished }) => {
  const database = await fresh(onTestFinished)
  const sql = postgres(database.url, { max: 1 })
  const { ann } = await setUp(onTestFinished, database.url)
  await sql`begin`
  await sql`lock table pg_catalog.pg_type in access exclusive mode`
  await expectUnavailable(ann)
  await sql`rollback`
  await sql.end()
  await ann.createTask({ body: { title: 'a' } })
})

test('when the answer of the database is lost, a read is repeated, and a write is refused and not repeated', async ({ onTestFinished }) => {
  const database = await fresh(onTestFinished)
  const line = await createLine(onTestFinished, database.url)
  const { ann } = await setUp(onTestFinished, line.url, 1)
  const { body: task } = await ann.createTask({ body: { title: 'a' } })

  // The read has a second for its second attempt, which a busy machine can miss.
  await eventually(() => {
    line.loseNextAnswer()
    return ann.getTask({ path: { taskId: task.id } }, 200)
  })
  // The statement of a write is prepared before its answer is lost.
  await ann.createTask({ body: { title: 'b' } })
  line.loseNextAnswer()
  await ann.createTask({ body: { title: 'c' } }, 503)
  expect(line.lost()).toBeGreaterThanOrEqual(2)
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

async function expectUnavailable(ann: ReturnType<typeof client>) {
  const began = steadyMs()
  const answers = await Promise.all([ann.listTasks({}, 503), ann.createTask({ body: { title: 'a' } }, 503), ann.getReadiness({}, 503)])
  expect(steadyMs() - began).toBeLessThan(5_000)
  for (const { headers } of answers) expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  await ann.getLiveness()
}
