// `npm run bench:curves`: the cost of a request as the data grows, relative to the smallest size. The cost must not grow with the
// number of operations or accounts. With the number of tasks in an account it may grow only as an index lookup does.
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type Cluster, type Seeded, startCluster } from './cluster.ts'
import { createLoader } from './loader.ts'
import { median, table } from './report.ts'
import { common, rare, type Size } from './seed.ts'
import { createTimer } from './specs.ts'
import { type Running, start } from './target.ts'
import { hs256, loadUsers, type User } from './users.ts'
import { list, type Request, workloads } from './workloads.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    /** the largest number of accounts, and of tasks in one account */
    accounts: { type: 'string', default: '100000' },
    tasks: { type: 'string', default: '20000' },
  },
})
const rounds = Number(values.rounds)
const connections = 4 // enough to keep the server busy, too few to queue

type Point = { label: string; running: Running; users: User[] }
type Query = { title: string; request: (user: User, n: number) => Request }

const queries: Query[] = [
  { title: 'get', request: workloads.get.request },
  { title: 'first page', request: list('?limit=10') },
  { title: 'search, 10 matches', request: list(`?limit=10&q=${rare}`) },
  { title: 'search, 1 task in 9', request: list(`?limit=10&q=${common}`) },
  { title: 'search by relevance, 1 task in 9', request: list(`?limit=10&sort=relevance&q=${common}`) },
  { title: 'task with ten below', request: workloads.subtree.request },
  { title: 'summary', request: workloads.summary.request },
  { title: 'complete', request: workloads.complete.request },
]

const parts = ['Medians relative to the smallest size. The value of the smallest size is in parentheses.']
parts.push(await curve('operations in the spec', await operationCurve()))
{
  await using cluster = await startCluster()
  using load = createLoader()
  parts.push(await curve('accounts (10 tasks each)', await databaseCurve(await accountPoints(cluster))))
  parts.push(await curve('tasks in one account', await databaseCurve(await taskPoints(cluster))))

  /** For each query and point: the latency, and the CPU of server and database together. */
  async function databaseCurve(points: Point[]) {
    const cells = new Map<string, number[]>()
    for (let round = 0; round < rounds; round++)
      for (const { title, request } of queries)
        for (const { label, running, users } of points) {
          const job = { statuses: [200], warmUp: 0.3, seconds: Number(values.seconds), server: running.pid, postgres: cluster.pid }
          const measured = await load.run({ ...job, url: running.url, requests: requestsOf(users, request) })
          running.truncateLog()
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

/** Turns values under the keys `kind|label` into a table. */
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
  const sizes = await Promise.all([4, 40, 400].map(async count => ({ count, time: await createTimer(count) })))
  for (let round = 0; round <= rounds; round++)
    for (const { count, time } of sizes) {
      const micros = await time(10_000)
      if (round > 0) cells.set(`route, validate, reply: µs|${count}`, [...(cells.get(`route, validate, reply: µs|${count}`) ?? []), micros])
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
  const users = await loadUsers(sql, hs256, { count: 200, numbers })
  const [{ token }] = users as [User]
  return { label, users, running: await start('ours', { databaseUrl: url, poolSize: 10, jwksUrl: '', token }) }
}

function requestsOf(users: User[], request: Query['request']): Request[][] {
  return Array.from({ length: connections }, (_, connection) =>
    Array.from({ length: 200 }, (_, n) => {
      const user = users[(connection + n * connections) % users.length] as User
      return request(user, n)
    }),
  )
}
