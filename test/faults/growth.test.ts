// Outages leave nothing behind in the process.
import postgres from 'postgres'
import { expect, vi } from 'vitest'
import { listening, type Process, run } from '../process.ts'
import { createDatabase, test } from '../taskspec.ts'
import { crowd, expectPromises } from './crowd.ts'
import { line } from './line.ts'

const rounds = 50
const poolSize = 4

test('after fifty outages memory and connections are what they were', async ({ onTestFinished }) => {
  const database = await createDatabase()
  onTestFinished(database.drop)
  const way = await line(onTestFinished, database.url)
  const server = run(
    { DATABASE_URL: way.url, DATABASE_POOL_SIZE: `${poolSize}`, NODE_ENV: 'production', RATE_LIMIT_PER_MINUTE: '0' },
    ...scales,
  )
  const url = await listening(server)
  const sql = postgres(database.url, { max: 1 })
  onTestFinished(() => sql.end())

  async function outages(count: number) {
    const people = await crowd(url, 4)
    for (let round = 0; round < count; round++) {
      const before = people.calls.length
      way.hangUp()
      await vi.waitFor(() => expect(people.calls.slice(before).some(({ status }) => status === 503)).toBe(true), {
        timeout: 10_000,
        interval: 5,
      })
      await way.listen()
      await vi.waitFor(() => expect(people.calls.at(-1)?.status).toBeLessThan(300), { timeout: 10_000, interval: 5 })
    }
    await people.served()
    await expectPromises(await people.leave(), database.url)
  }

  await outages(10)
  const before = await weigh(server)
  await outages(rounds)
  const after = await weigh(server)

  // A connection that is kept weighs 100 kB, and each round loses some; what else comes and goes is a few sockets of people.
  expect(after.heap - before.heap).toBeLessThan(5_000_000)
  expect(after.resources - before.resources).toBeLessThan(rounds / 2)
  expect(way.open()).toBeLessThanOrEqual(poolSize)
  const connections = await sql`select from pg_stat_activity where datname = current_database() and application_name = 'taskspec'`
  expect(connections.length).toBeLessThanOrEqual(poolSize)
})

// On SIGUSR2 the server says what is left after the garbage is collected.
const weight =
  'process.on("SIGUSR2",()=>{gc();gc();console.log("weight",JSON.stringify({heap:process.memoryUsage().heapUsed,resources:process.getActiveResourcesInfo().length}))})'
const scales = ['--expose-gc', '--import', `data:text/javascript,${weight}`]

async function weigh({ child, output }: Process): Promise<{ heap: number; resources: number }> {
  const said = output().length
  child.kill('SIGUSR2')
  const match = await vi.waitFor(() => {
    const found = /^weight (.*)$/m.exec(output().slice(said))
    expect(found).not.toBe(null)
    return found as RegExpExecArray
  }, 10_000)
  return JSON.parse(match[1] as string)
}
