// `npm run bench:curves`: what a request costs as things grow, as ratios to the smallest. Cost must not grow with the number of
// operations in the spec or of accounts, nor, beyond its index, with the number of tasks in an account.
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type Cluster, type Seeded, startCluster } from './cluster.ts'
import { loader } from './loader.ts'
import type { Request } from './operations.ts'
import { hs256, type Person, people } from './people.ts'
import { median, table } from './report.ts'
import { common, rare, type Size } from './seed.ts'
import { answering } from './specs.ts'
import { type Running, start } from './target.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    /** the most accounts, and the most tasks of one account */
    accounts: { type: 'string', default: '100000' },
    tasks: { type: 'string', default: '20000' },
  },
})
const rounds = Number(values.rounds)
const connections = 4 // enough to keep it busy, too few to wait for each other

type Point = { label: string; running: Running; crowd: Person[] }
type Asked = { title: string; path: (person: Person, n: number) => string }

const asked: Asked[] = [
  { title: 'get', path: ({ taskIds }, n) => `/${taskIds[n % taskIds.length]}` },
  { title: 'first page', path: () => '?limit=10' },
  { title: 'search, 10 hits', path: () => `?limit=10&q=${rare}` },
  { title: 'search, 1 in 9', path: () => `?limit=10&q=${common}` },
]

const parts = ['Medians as ratios to the smallest; in parentheses the smallest itself.']
parts.push(await curve('operations in the spec', await operationCurve()))
{
  await using cluster = await startCluster()
  using load = loader()
  parts.push(await curve('accounts (10 tasks each)', await databaseCurve(await accountPoints(cluster))))
  parts.push(await curve('tasks in one account', await databaseCurve(await taskPoints(cluster))))

  /** For each question: the latency and the CPU of server and database together, at each point. */
  async function databaseCurve(points: Point[]) {
    const cells = new Map<string, number[]>()
    for (let round = 0; round < rounds; round++)
      for (const { title, path } of asked)
        for (const { label, running, crowd } of points) {
          const job = { statuses: [200], warmUp: 0.3, seconds: Number(values.seconds), server: running.pid, postgres: cluster.pid }
          const measured = await load.run({ ...job, url: running.url, requests: questions(crowd, path) })
          running.forget()
          for (const [kind, value] of [
            [`${title}: p50, ms`, measured.p50],
            [`${title}: CPU, µs`, measured.serverCpu + measured.postgresCpu],
          ] as const)
            cells.set(`${kind}|${label}`, [...(cells.get(`${kind}|${label}`) ?? []), value])
        }
    for (const { running } of points) await running.stop()
    return cells
  }
}

const artifacts = new URL('../../.artifacts/bench/', import.meta.url)
const text = parts.join('\n\n')
await mkdir(artifacts, { recursive: true })
await writeFile(new URL('curves.md', artifacts), `${text}\n`)
console.log(text)

/** A table from values under `kind|label`. */
async function curve(title: string, cells: Map<string, number[]>) {
  const keys = [...cells.keys()].map(key => key.split('|') as [string, string])
  const kinds = [...new Set(keys.map(([kind]) => kind))]
  const labels = [...new Set(keys.map(([, label]) => label))]
  const rows = kinds.map(kind => {
    const medians = labels.map(label => median(cells.get(`${kind}|${label}`) as number[]))
    const smallest = medians[0] as number
    return [kind, ...medians.map((value, index) => (index === 0 ? `1 (${smallest.toPrecision(3)})` : (value / smallest).toFixed(2)))]
  })
  return table([title, ...labels], rows)
}

async function operationCurve() {
  const cells = new Map<string, number[]>()
  const sizes = await Promise.all([4, 40, 400].map(async count => ({ count, time: await answering(count) })))
  for (let round = 0; round <= rounds; round++)
    for (const { count, time } of sizes) {
      const spent = await time(10_000)
      if (round > 0) cells.set(`match, check, answer: µs|${count}`, [...(cells.get(`match, check, answer: µs|${count}`) ?? []), spent])
    }
  return cells
}

async function accountPoints(cluster: Cluster): Promise<Point[]> {
  const points: Point[] = []
  for (let accounts = 100; accounts <= Number(values.accounts); accounts *= 10) {
    process.stderr.write(`seeding ${accounts} accounts\n`)
    const seeded = await cluster.create(`accounts_${accounts}`, { accounts, tasks: 10 })
    points.push(await point(String(accounts), seeded, [1, accounts]))
  }
  return points
}

async function taskPoints(cluster: Cluster): Promise<Point[]> {
  const counts = [100, 1_000, 5_000, 20_000].filter(tasks => tasks <= Number(values.tasks))
  process.stderr.write(`seeding accounts of ${counts.join(', ')} tasks\n`)
  const sizes = counts.map((tasks, index): Size => ({ accounts: 4, tasks, first: 1 + 4 * index }))
  const seeded = await cluster.create('tasks', ...sizes)
  const points: Point[] = []
  for (const { tasks, first = 1, accounts } of sizes) points.push(await point(String(tasks), seeded, [first, first + accounts - 1]))
  return points
}

async function point(label: string, { url, sql }: Seeded, numbers: [number, number]): Promise<Point> {
  const crowd = await people(sql, hs256, { count: 200, numbers })
  const [{ token }] = crowd as [Person]
  return { label, crowd, running: await start('ours', { databaseUrl: url, poolSize: 10, jwksUrl: '', token }) }
}

function questions(crowd: Person[], path: Asked['path']): Request[][] {
  return Array.from({ length: connections }, (_, connection) =>
    Array.from({ length: 200 }, (_, n) => {
      const person = crowd[(connection + n * connections) % crowd.length] as Person
      return { method: 'GET', path: `/v1/users/me/tasks${path(person, n)}`, headers: { Authorization: `Bearer ${person.token}` } }
    }),
  )
}
