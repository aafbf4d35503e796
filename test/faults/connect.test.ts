// What stands between the server and its database fails: a proxy, a network, an address.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import postgres from 'postgres'
import { expect, type TestContext, vi } from 'vitest'
import { client } from '../client.ts'
import { createDatabase, start, test, tokenOf } from '../taskspec.ts'

type AtEnd = TestContext['onTestFinished']

test.concurrent('an address that nobody can reach is a database that is away', async ({ onTestFinished }) => {
  const { ann } = await setUp(onTestFinished, 'postgres://taskspec@255.255.255.255/postgres')
  await expectAway(ann)
})

test.concurrent('a proxy without a database behind it is a database that is away, and is not stormed', async ({ onTestFinished }) => {
  const proxy = await listen(onTestFinished, socket => socket.end())
  const { ann } = await setUp(onTestFinished, `postgres://taskspec@127.0.0.1:${proxy.port}/postgres`)
  await expectAway(ann)
  expect(proxy.taken()).toBeLessThan(100)
})

test.concurrent('a proxy that never says a word is a database that is away, and keeps no connection', async ({ onTestFinished }) => {
  const proxy = await listen(onTestFinished, socket => socket.resume())
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
  const line = await proxy(onTestFinished, database.url)
  const { ann } = await setUp(onTestFinished, line.url, 1)
  const { body: task } = await ann.createTask({ body: { title: 'a' } })

  // There is a second for the other way, which a busy machine can miss.
  await vi.waitFor(() => {
    line.loseNextAnswer()
    return ann.getTask({ path: { taskId: task.id } }, 200)
  }, 10_000)
  // What was prepared before is done when the first answer comes.
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

async function expectAway(ann: ReturnType<typeof client>) {
  const began = performance.now()
  const answers = await Promise.all([ann.listTasks({}, 503), ann.createTask({ body: { title: 'a' } }, 503), ann.getReadiness({}, 503)])
  expect(performance.now() - began).toBeLessThan(5_000)
  for (const { headers } of answers) expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  await ann.getLiveness()
}

/** A listener on a free port. */
async function listen(atEnd: AtEnd, each: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  let taken = 0
  const server = createServer(socket => {
    taken++
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    each(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (server.address() as AddressInfo).port, taken: () => taken, open: () => sockets.size }
}

/** A way to the database that can lose the next answer and its connection with it. */
async function proxy(atEnd: AtEnd, databaseUrl: string) {
  let losing = false
  let lost = 0
  const url = new URL(databaseUrl)
  const [host, port] = [url.hostname, Number(url.port)]
  const listener = await listen(atEnd, socket => {
    const server = connect(port, host)
    socket.pipe(server)
    server.on('data', answer => {
      if (!losing) return void socket.write(answer)
      losing = false
      lost++
      socket.destroy()
    })
    socket.on('close', () => server.destroy())
    server.on('error', () => {}).on('close', () => socket.destroy())
  })
  url.port = String(listener.port)
  return {
    url: url.href,
    loseNextAnswer() {
      losing = true
    },
    lost: () => lost,
  }
}
