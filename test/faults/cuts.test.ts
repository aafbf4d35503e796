// The connection to the database is cut while users work, for seconds or again and again.
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { expect, type TestContext } from 'vitest'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { listening, type Process, run } from '../support/process.ts'
import { createDatabase, start, test, tokenOf } from '../support/taskspec.ts'
import { type Crowd, crowd, expectFullPool, expectPromises, json, tally } from './crowd.ts'
import { createLine } from './line.ts'

type AtEnd = TestContext['onTestFinished']

const size = 4 // of the pool, and of each crowd

test.concurrent.for([
  ['refuses connections', 'hangUp', 'listen'],
  ['accepts connections and closes them', 'slam', 'mend'],
] as const)(
  'a database that %s for four seconds is unavailable, and is used again afterwards',
  async ([, cut, mend], { onTestFinished }) => {
    const { url, databaseUrl, line } = await serve(onTestFinished)
    const users = await crowd(url, size)
    await users.served()

    const cutAt = performance.now()
    line[cut]()
    const from = line.accepted()
    const over = sleep(4_000)
    await users.refused()
    const refusedAt = performance.now()
    await over
    expect(tally(users.calls.filter(({ at }) => at > refusedAt))).toEqual({ 503: expect.any(Number) })
    const connectionsPerSecond = ((line.accepted() - from) * 1000) / (performance.now() - cutAt)
    expect(connectionsPerSecond).toBeLessThan(100) // the server does not storm it

    await line[mend]()
    await users.served()
    await expectPromises(await users.leave(), databaseUrl)
    await expectFullPool(url, databaseUrl, size)
  },
)

test.concurrent('users go on through twenty cuts, each soon after the one before', async ({ onTestFinished }) => {
  const { url, databaseUrl, line } = await serve(onTestFinished)
  const users = await crowd(url, size)
  for (let cut = 0; cut < 20; cut++) {
    await created(users, size)
    line.reset()
  }
  await users.served()
  await expectPromises(await users.leave(), databaseUrl)
  await expectFullPool(url, databaseUrl, size)
})

test.concurrent('after twenty outages memory and connections are as before', async ({ onTestFinished }) => {
  const { databaseUrl, line } = await setUp(onTestFinished)
  const settings = { DATABASE_URL: line.url, DATABASE_POOL_SIZE: `${size}`, NODE_ENV: 'production', RATE_LIMIT_PER_MINUTE: '0' }
  const server = run(settings, { flags: scales, atEnd: onTestFinished })
  const url = await listening(server)

  async function outages(count: number) {
    const users = await crowd(url, size)
    const from = line.accepted()
    for (let round = 0; round < count; round++) {
      await created(users, 2)
      line.hangUp()
      await sleep(50)
      await line.listen()
    }
    await users.served()
    await expectPromises(await users.leave(), databaseUrl)
    expect(line.accepted() - from).toBeGreaterThanOrEqual(count) // each outage cut a connection that was used
  }

  await outages(5)
  const before = await weigh(server)
  await outages(20)
  const after = await weigh(server)
  // A leaked connection has 100 kB, and each outage cuts several. The rest of the change is a few sockets of clients.
  expect(after.heap - before.heap).toBeLessThan(3_000_000)
  expect(after.resources - before.resources).toBeLessThan(25)
  expect(line.open()).toBeLessThanOrEqual(size)
})

test.concurrent('a backend that ends during a statement harms that statement only', async ({ onTestFinished }) => {
  const { url, databaseUrl } = await serve(onTestFinished)
  const sql = postgres(databaseUrl, { max: 2 })
  onTestFinished(() => sql.end({ timeout: 1 }))
  const holder = await sql.reserve()
  const ann = client(url, await tokenOf('ann'))
  await eventually(() => ann.getUser())

  /** Sends a statement that waits for the lock, and ends its backend meanwhile. A busy machine may need several attempts. */
  async function interrupted<Answer>(lock: string, send: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      let ended = 0
      let answered = false
      await holder`begin`
      await holder.unsafe(lock)
      const answer = send().finally(() => {
        answered = true
      })
      try {
        while (ended === 0 && !answered) ended = (await endWaiting()).length
      } finally {
        await holder`rollback`
        await answer
      }
      if (ended > 0) return answer
    }
  }
  async function endWaiting() {
    return sql`
      select pg_terminate_backend(pid)
      from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`
  }

  const change = () => ann.send('PATCH', '/v1/users/me', json({ name: 'x' }))
  const { status, headers } = await interrupted("select from users where id = 'ann' for update", change)
  expect([status, headers.get('retry-after')]).toEqual([503, '1'])
  await eventually(async () => expect((await ann.getUser()).body.name).toBe(null))

  // The read has a second for its second attempt, which a busy machine can miss.
  const list = () => ann.send('GET', '/v1/users/me/tasks')
  await eventually(async () => expect(await interrupted('lock table tasks in access exclusive mode', list)).toMatchObject({ status: 200 }))
})

/** Waits until the users have created so many more tasks. */
async function created({ calls }: Crowd, count: number) {
  const from = calls.length
  await eventually(() => expect(tally(calls.slice(from))[201] ?? 0).toBeGreaterThanOrEqual(count))
}

/** A database, and a line to it. */
async function setUp(atEnd: AtEnd) {
  const database = await createDatabase()
  atEnd(database.drop)
  return { databaseUrl: database.url, line: await createLine(atEnd, database.url) }
}

/** With a server behind it. */
async function serve(atEnd: AtEnd) {
  const { databaseUrl, line } = await setUp(atEnd)
  const { url, stop } = await start({ databaseUrl: line.url, poolSize: size })
  atEnd(stop)
  return { url, databaseUrl, line }
}

// On SIGUSR2 the server collects its garbage, and prints the size of its heap and the number of its resources.
const weight = '{heap:process.memoryUsage().heapUsed,resources:process.getActiveResourcesInfo().length}'
const scales = [
  '--expose-gc',
  '--import',
  `data:text/javascript,process.on("SIGUSR2",()=>{gc();gc();console.log("weight",JSON.stringify(${weight}))})`,
]

async function weigh({ child, output }: Process): Promise<{ heap: number; resources: number }> {
  const from = output().length
  child.kill('SIGUSR2')
  const printed = () => /^weight (.*)$/m.exec(output().slice(from))?.[1]
  await eventually(() => expect(printed()).toBeDefined())
  return JSON.parse(printed() as string)
}
