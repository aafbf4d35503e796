// `npm run bench:isolation`: lists under load, alone and beside somebody whose statement always waits for a lock.
// Nobody else may wait with it. With pipelining somebody does, which is why it's off.
import { mkdir, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type postgres from 'postgres'
import { startCluster } from './cluster.ts'
import type { Measure } from './load.ts'
import { loader } from './loader.ts'
import { type Operation, operations, requests } from './operations.ts'
import { hs256, type Person, people } from './people.ts'
import { median, table } from './report.ts'
import { type Running, start, type TargetName } from './target.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '100' },
  },
})
const compared: TargetName[] = ['ours', 'bare', 'bare-pipelined']
const warmUp = 1 // s
const wait = 1_400 // ms of the slow statement: a little less than its server allows

type Pair = { target: TargetName; alone: Measure; beside: Measure }

await using cluster = await startCluster()
const { url, sql } = await cluster.create('isolation', { accounts: 500, tasks: 100 })
using load = loader()
const [slow, ...crowd] = (await people(sql, hs256, { count: 500 })) as [Person, ...Person[]]
const pairs: Pair[] = []

for (let round = 0; round < Number(values.rounds); round++)
  for (const target of compared) {
    const running = await start(target, { databaseUrl: url, poolSize: 10, jwksUrl: '', token: slow.token })
    await ask(running, 'E') // also so that every connection knows the statement that is going to wait: only then others queue behind it
    const alone = round % 2 === 0 ? await ask(running, 'A') : undefined
    const until = Date.now() + 1000 * (warmUp + Number(values.seconds))
    const [beside] = await Promise.all([ask(running, 'A'), keepWaiting(running, until)])
    const pair = { target, alone: alone ?? (await ask(running, 'A')), beside }
    process.stderr.write(`round ${round + 1}: ${target}\n`)
    pairs.push(pair)
    await running.stop()
  }

const rows = compared.flatMap(target => {
  const own = pairs.filter(pair => pair.target === target)
  const of = (when: 'alone' | 'beside', quantity: 'perSecond' | 'p50' | 'p95' | 'p99' | 'slowest') =>
    median(own.map(pair => pair[when][quantity]))
  const line = (when: 'alone' | 'beside') => [
    `${target}, ${when === 'alone' ? 'alone' : `beside a statement that waits ${wait / 1000} s`}`,
    of(when, 'perSecond').toFixed(0),
    ...(['p50', 'p95', 'p99', 'slowest'] as const).map(quantity => of(when, quantity).toFixed(1)),
    when === 'alone' ? '' : median(own.map(({ alone, beside }) => beside.p99 / alone.p99)).toFixed(2),
  ]
  return [line('alone'), line('beside')]
})
const text = table(['lists of everybody else', 'requests/s', 'p50, ms', 'p95, ms', 'p99, ms', 'slowest, ms', 'p99 beside / alone'], rows)
const artifacts = new URL('../../.artifacts/bench/', import.meta.url)
await mkdir(artifacts, { recursive: true })
await writeFile(new URL('isolation.json', artifacts), `${JSON.stringify(pairs, null, 2)}\n`)
await writeFile(new URL('isolation.md', artifacts), `${text}\n`)
console.log(text)

function ask({ url, pid }: Running, operation: Operation) {
  const { statuses } = operations[operation]
  const job = { statuses, warmUp, seconds: Number(values.seconds), server: pid, postgres: cluster.pid }
  return load.run({ ...job, url, requests: requests(operation, crowd, Number(values.connections)) })
}

/** One change after the other by somebody whose row is locked, each let go just before its server would give it up. */
async function keepWaiting({ url }: Running, until: number) {
  const session: postgres.ReservedSql = await sql.reserve()
  do {
    await session`begin`
    await session`select from users where id = ${slow.id} for update`
    const change = operations.D.request(slow, 0)
    const began = performance.now()
    const answered = fetch(url + change.path, { method: 'PATCH', headers: change.headers, body: change.body as string })
    await sleep(wait)
    await session`rollback`
    const { status } = await answered
    if (status !== 200 || performance.now() - began < wait) throw new Error(`the slow change was answered with ${status}`)
  } while (Date.now() < until)
  session.release()
}
