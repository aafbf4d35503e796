// The way to the database is cut while people work, for seconds or again and again.
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { expect, type TestContext, vi } from 'vitest'
import { client } from '../support/client.ts'
import { listening, type Process, run } from '../support/process.ts'
import { createDatabase, start, test, tokenOf } from '../support/taskspec.ts'
import { crowd, expectFullPool, expectPromises, json, tally } from './crowd.ts'
import { line } from './line.ts'

type AtEnd = TestContext['onTestFinished']

const size = 4 // of the pool, and of each crowd
const rest = 20 // ms: the tests beside this one need the processor too
const timeout = 60_000

test.concurrent.for([
  ['refuses connections', 'hangUp', 'listen'],
  ['takes connections and closes them', 'slam', 'mend'],
] as const)('who %s for ten seconds is away, and welcome afterwards', { timeout }, async ([, away, again], { onTestFinished }) => {
  const { url, databaseUrl, way } = await serve(onTestFinished)
  const people = await crowd(url, size, { rest })
  await people.served()

  way[away]()
  const from = way.taken()
  const over = sleep(10_000)
  await people.refused()
  const cut = performance.now()
  await over
  expect(tally(people.calls.filter(({ at }) => at > cut))).toEqual({ 503: expect.any(Number) })
  expect(way.taken() - from).toBeLessThan(1_000) // nobody storms the door

  await way[again]()
  await people.served()
  await expectPromises(await people.leave(), databaseUrl)
  await expectFullPool(url, databaseUrl, size)
})

test.concurrent('sixty cuts in twenty seconds keep nobody from working', { timeout }, async ({ onTestFinished }) => {
  const { url, databaseUrl, way } = await serve(onTestFinished)
  const people = await crowd(url, size, { rest })
  for (let cut = 0; cut < 60; cut++) {
    await sleep(333)
    way.reset()
  }
  await people.served()
  await expectPromises(await people.leave(), databaseUrl)
  expect(tally(people.calls)[201]).toBeGreaterThan(60)
  await expectFullPool(url, databaseUrl, size)
})

test.concurrent('after fifty outages memory and connections are what they were', { timeout }, async ({ onTestFinished }) => {
  const { databaseUrl, way } = await setUp(onTestFinished)
  const settings = { DATABASE_URL: way.url, DATABASE_POOL_SIZE: `${size}`, NODE_ENV: 'production', RATE_LIMIT_PER_MINUTE: '0' }
  const server = run(settings, { flags: scales, atEnd: onTestFinished })
  const url = await listening(server)

  async function outages(count: number) {
    const people = await crowd(url, size, { rest })
    for (let round = 0; round < count; round++) {
      way.hangUp()
      await sleep(50)
      await way.listen()
      await sleep(100)
    }
    await people.served()
    await expectPromises(await people.leave(), databaseUrl)
    expect(people.calls.some(({ status }) => status === 503)).toBe(true)
  }

  await outages(10)
  const before = await weigh(server)
  await outages(50)
  const after = await weigh(server)
  // A connection that is kept weighs 100 kB, and each round loses some; what else comes and goes is a few sockets of people.
  expect(after.heap - before.heap).toBeLessThan(5_000_000)
  expect(after.resources - before.resources).toBeLessThan(25)
  expect(way.open()).toBeLessThanOrEqual(size)
})

test.concurrent('a backend that ends in the middle of a statement takes nobody with it', { timeout }, async ({ onTestFinished }) => {
  const { url, databaseUrl } = await serve(onTestFinished)
  const sql = postgres(databaseUrl, { max: 2 })
  onTestFinished(() => sql.end({ timeout: 1 }))
  const holder = await sql.reserve()
  const ann = client(url, await tokenOf('ann'))
  await vi.waitFor(() => ann.getUser(), 10_000)

  /** Sends what waits for the lock, and ends its backend meanwhile. */
  async function interrupted<Answer>(lock: string, send: () => Promise<Answer>): Promise<Answer> {
    let ended = 0
    let answered = false
    await holder`begin`
    await holder.unsafe(lock)
    const answer = send().finally(() => {
      answered = true
    })
    while (ended === 0 && !answered) ended = (await endWaiting()).length
    await holder`rollback`
    await answer
    return ended > 0 ? answer : interrupted(lock, send) // a busy machine may be too late for the statement
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
  await vi.waitFor(async () => expect((await ann.getUser()).body.name).toBe(null), 10_000)

  // There is a second for the other way, which a busy machine can miss.
  const list = () => ann.send('GET', '/v1/users/me/tasks')
  await vi.waitFor(
    async () => expect(await interrupted('lock table tasks in access exclusive mode', list)).toMatchObject({ status: 200 }),
    20_000,
  )
})

/** A database, and a way to it. */
async function setUp(atEnd: AtEnd) {
  const database = await createDatabase()
  atEnd(database.drop)
  return { databaseUrl: database.url, way: await line(atEnd, database.url) }
}

/** With a server behind it. */
async function serve(atEnd: AtEnd) {
  const { databaseUrl, way } = await setUp(atEnd)
  const { url, stop } = await start({ databaseUrl: way.url, poolSize: size })
  atEnd(stop)
  return { url, databaseUrl, way }
}

// On SIGUSR2 the server says what is left after the garbage is collected.
const weight = '{heap:process.memoryUsage().heapUsed,resources:process.getActiveResourcesInfo().length}'
const scales = [
  '--expose-gc',
  '--import',
  `data:text/javascript,process.on("SIGUSR2",()=>{gc();gc();console.log("weight",JSON.stringify(${weight}))})`,
]

async function weigh({ child, output }: Process): Promise<{ heap: number; resources: number }> {
  const from = output().length
  child.kill('SIGUSR2')
  const said = () => /^weight (.*)$/m.exec(output().slice(from))?.[1]
  await vi.waitFor(() => expect(said()).toBeDefined(), 10_000)
  return JSON.parse(said() as string)
}
