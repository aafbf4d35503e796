// `npm run bench:isolation`: lists and creates under load, with and without one user whose statement always waits for a lock.
// The requests of other users must not wait for it. With pipelining they do, which is why pipelining is off.
import { mkdir, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type postgres from 'postgres'
import { startCluster } from './cluster.ts'
import type { Measure } from './load.ts'
import { createLoader } from './loader.ts'
import { median, table } from './report.ts'
import { type Running, start, type TargetName } from './target.ts'
import { hs256, loadUsers, type User } from './users.ts'
import { requests, type Workload, workloads } from './workloads.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '100' },
  },
})
const compared: TargetName[] = ['ours', 'bare', 'bare-pipelined']
const measured = ['list', 'create'] as const
const warmUp = 1 // s
const waitMs = 1_400 // of the slow statement; below the server's statement timeout of 1500 ms

type Pair = { workload: (typeof measured)[number]; target: TargetName; alone: Measure; beside: Measure }

await using cluster = await startCluster()
const { url, sql } = await cluster.create('isolation', { accounts: 500, tasks: 100 })
using load = createLoader()
const [slow, ...others] = (await loadUsers(sql, hs256, { count: 500 })) as [User, ...User[]]
const pairs: Pair[] = []

for (let round = 0; round < Number(values.rounds); round++)
  for (const target of compared) {
    const running = await start(target, { databaseUrl: url, poolSize: 10, jwksUrl: '', token: slow.token })
    await run(running, 'mix') // prepares the slow statement on every connection: only then do other statements queue behind it
    for (const workload of measured) {
      const alone = round % 2 === 0 ? await run(running, workload) : undefined
      const until = Date.now() + 1000 * (warmUp + Number(values.seconds))
      const [beside] = await Promise.all([run(running, workload), keepWaiting(running, until)])
      pairs.push({ workload, target, alone: alone ?? (await run(running, workload)), beside })
    }
    process.stderr.write(`round ${round + 1}: ${target}\n`)
    await running.stop()
  }

const texts = measured.map(workload =>
  table(
    [`${workload} by other users`, 'requests/s', 'p50, ms', 'p95, ms', 'p99, ms', 'slowest, ms', 'p99 beside / alone'],
    compared.flatMap(target =>
      rows(
        target,
        pairs.filter(pair => pair.target === target && pair.workload === workload),
      ),
    ),
  ),
)
const text = texts.join('\n\n')
const artifacts = new URL('../../.artifacts/bench/', import.meta.url)
await mkdir(artifacts, { recursive: true })
await writeFile(new URL('isolation.json', artifacts), `${JSON.stringify(pairs, null, 2)}\n`)
await writeFile(new URL('isolation.md', artifacts), `${text}\n`)
console.log(text)

function rows(target: TargetName, pairs: Pair[]) {
  const of = (when: 'alone' | 'beside', quantity: 'perSecond' | 'p50' | 'p95' | 'p99' | 'slowest') =>
    median(pairs.map(pair => pair[when][quantity]))
  const line = (when: 'alone' | 'beside') => [
    `${target}, ${when === 'alone' ? 'alone' : `beside a statement that waits ${waitMs / 1000} s`}`,
    of(when, 'perSecond').toFixed(0),
    ...(['p50', 'p95', 'p99', 'slowest'] as const).map(quantity => of(when, quantity).toFixed(1)),
    when === 'alone' ? '' : median(pairs.map(({ alone, beside }) => beside.p99 / alone.p99)).toFixed(2),
  ]
  return [line('alone'), line('beside')]
}

function run({ url, pid }: Running, workload: Workload) {
  const { statuses } = workloads[workload]
  const job = { statuses, warmUp, seconds: Number(values.seconds), server: pid, postgres: cluster.pid }
  return load.run({ ...job, url, requests: requests(workload, others, Number(values.connections)) })
}

/** Sends updates of the slow user one after the other while the user's row is locked. Releases each lock just before the server's timeout. */
async function keepWaiting({ url }: Running, until: number) {
  const session: postgres.ReservedSql = await sql.reserve()
  do {
    await session`begin`
    await session`select from users where id = ${slow.id} for update`
    const update = workloads.update.request(slow, 0)
    const start = performance.now()
    const reply = fetch(url + update.path, { method: 'PATCH', headers: update.headers, body: update.body as string })
    await sleep(waitMs)
    await session`rollback`
    const { status } = await reply
    if (status !== 200 || performance.now() - start < waitMs) throw new Error(`the slow update got status ${status}`)
  } while (Date.now() < until)
  session.release()
}
