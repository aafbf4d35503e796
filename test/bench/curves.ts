// `npm run bench:curves`: the cost of each operation as the data grows, relative to the smallest size. The cost must not grow with the
// number of operations or accounts. With the number of tasks in an account it may grow only as an index lookup does.
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { document } from '../../src/contract/document.ts'
import { quotas } from '../../src/domain/quota.ts'
import { sorts } from '../../src/domain/sort.ts'
import { type Cluster, type Seeded, startCluster } from './cluster.ts'
import { createLoader } from './loader.ts'
import { median, table } from './report.ts'
import { common, rare, type Size } from './seed.ts'
import { createTimer } from './specs.ts'
import { type Running, start } from './target.ts'
import { hs256, loadUsers, type User } from './users.ts'
import { list, type Request, type Workload, workloads } from './workloads.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '1' },
    /** the largest number of accounts, and of tasks in one account */
    accounts: { type: 'string', default: '1000000' },
    tasks: { type: 'string', default: '50000' },
  },
})
const rounds = Number(values.rounds)
const connections = 4 // enough to keep the server busy, too few to queue
const tasksOfAccount = 2 // so that a million accounts are seeded in minutes

/** `isFull`: whether the account has as many tasks as it may have. */
type Point = { label: string; running: Running; users: User[]; seeded: Seeded; isFull: boolean }
/** `adds`: whether it makes new tasks. */
type Query = Pick<(typeof workloads)[Workload], 'statuses' | 'writes' | 'large' | 'request'> & { title: string; adds?: boolean }

const others = Object.keys(sorts).filter(sort => sort !== '-createdAt') // that is the first page without a sort
const queries: Query[] = [
  { title: 'get', ...workloads.get },
  read('first page', '?limit=10'),
  ...others.map(sort => read(`sort=${sort}`, `?limit=10&sort=${sort}`)),
  read('search, rare word', `?limit=10&q=${rare}`),
  read('search, 1 task in 9', `?limit=10&q=${common}`),
  read('search by relevance, 1 task in 9', `?limit=10&sort=relevance&q=${common}`),
  { title: 'tree', ...workloads.subtree },
  { title: 'summary', ...workloads.summary },
  { title: 'changes, first page', ...workloads.changes },
  { ...read('categories', ''), request: user => ({ ...list('')(user), path: '/v1/users/me/categories' }) },
  { title: 'complete', ...workloads.complete },
  { title: 'update', ...workloads.update },
  { title: 'move', ...workloads.move },
  { title: 'delete and restore', ...workloads.restore },
  { title: 'create', ...workloads.create, adds: true },
  { title: 'batch of 200 creates', ...workloads.batch, adds: true },
]

const parts = ['Medians relative to the smallest size. The value of the smallest size is in parentheses.']
parts.push(await curve('operations in the spec', await operationCurve()))
{
  await using cluster = await startCluster()
  using load = createLoader()
  parts.push(await curve(`accounts (${tasksOfAccount} tasks each)`, await databaseCurve(await accountPoints(cluster))))
  parts.push(await curve('tasks in one account', await databaseCurve(await taskPoints(cluster))))

  /** For each query and point: the latency, and the CPU of server and database together. */
  async function databaseCurve(points: Point[]) {
    const cells = new Map<string, number[]>()
    for (let round = 0; round < rounds; round++)
      for (const query of queries)
        for (const point of points) {
          const { title, statuses, adds = false, writes } = query
          const { label, running, users, isFull } = point
          if (adds && isFull) continue
          const job = { statuses, warmUp: 0.3, seconds: Number(values.seconds), server: running.pid, postgres: cluster.pid }
          const measured = await load.run({ ...job, url: running.url, requests: requestsOf(users, query) })
          running.truncateLog()
          if (writes) await reset(point)
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
    const medians = labels.map(label => median(cells.get(`${kind}|${label}`) ?? []))
    const smallest = medians[0] as number
    const ratio = (value: number) => (Number.isNaN(value) ? '' : (value / smallest).toFixed(2))
    return [kind, ...medians.map((value, index) => (index === 0 ? `1 (${smallest.toFixed(smallest < 100 ? 2 : 0)})` : ratio(value)))]
  })
  return table([title, ...labels], rows)
}

async function operationCurve() {
  const cells = new Map<string, number[]>()
  const today = Object.values(document.paths)
    .flatMap(Object.values)
    .filter(({ operationId }) => operationId !== undefined).length
  const counts = [4, 40, today, 4 * today, 400].toSorted((a, b) => a - b)
  const sizes = await Promise.all(counts.map(async count => ({ count, time: await createTimer(count) })))
  for (let round = 0; round <= rounds; round++)
    for (const { count, time } of sizes) {
      const micros = await time(round === 0 ? 1_000 * count : 10_000) // first each operation is called equally often, until it is compiled
      if (round > 0) cells.set(`route, validate, reply: µs|${count}`, [...(cells.get(`route, validate, reply: µs|${count}`) ?? []), micros])
    }
  return cells
}

async function accountPoints(cluster: Cluster): Promise<Point[]> {
  const points: Point[] = []
  for (let accounts = 100; accounts <= Number(values.accounts); accounts *= 10) {
    process.stderr.write(`seeding ${accounts} accounts\n`)
    const seeded = await cluster.create(`accounts_${accounts}`, { accounts, tasks: tasksOfAccount })
    points.push(await pointOf(seeded, { accounts, tasks: tasksOfAccount }, String(accounts)))
  }
  return points
}

async function taskPoints(cluster: Cluster): Promise<Point[]> {
  const counts = [100, 1_000, 5_000, 20_000, 50_000].filter(tasks => tasks <= Number(values.tasks))
  process.stderr.write(`seeding accounts of ${counts.join(', ')} tasks\n`)
  const sizes = counts.map((tasks, index): Size => ({ accounts: 4, tasks, first: 1 + 4 * index }))
  const seeded = await cluster.create('tasks', ...sizes)
  const points: Point[] = []
  for (const size of sizes) points.push(await pointOf(seeded, size, String(size.tasks)))
  return points
}

async function pointOf(seeded: Seeded, { accounts, tasks, first }: Size, label: string): Promise<Point> {
  const which = first === undefined ? {} : { numbers: [first, first + accounts - 1] as [number, number] }
  const users = await loadUsers(seeded.sql, hs256, { count: 200, ...which })
  const [{ token }] = users as [User]
  const running = await start('ours-uncached', { databaseUrl: seeded.url, poolSize: 10, jwksUrl: '', token })
  return { label, users, running, seeded, isFull: tasks >= quotas.tasks }
}

/** Removes new tasks and forgets changes. The server chooses some statements by how many changes an account has seen. */
async function reset({ seeded: { sql, tidy }, users }: Point) {
  await tidy()
  const [{ revision }] = users as [User] // of all of them, when they were seeded
  await sql`update users set start_revision = revision - ${revision}::int where id = any(${users.map(({ id }) => id)})`
}

function read(title: string, query: string): Query {
  return { title, statuses: [200], writes: false, request: list(query) }
}

function requestsOf(users: User[], { request, large = false }: Query): Request[][] {
  return Array.from({ length: connections }, (_, connection) =>
    Array.from({ length: large ? 5 : 200 }, (_, n) => {
      const user = users[(connection + n * connections) % users.length] as User
      return request(user, n)
    }),
  )
}
