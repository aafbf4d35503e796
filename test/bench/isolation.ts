// `npm run bench:isolation`: lists and creations under load, alone and beside somebody whose statement always waits for a lock.
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
const what = { A: 'lists', C: 'creations' } as const
const warmUp = 1 // s
const wait = 1_400 // ms of the slow statement: a little less than its server allows

type Pair = { operation: keyof typeof what; target: TargetName; alone: Measure; beside: Measure }

await using cluster = await startCluster()
const { url, sql } = await cluster.create('isolation', { accounts: 500, tasks: 100 })
using load = loader()
const [slow, ...crowd] = (await people(sql, hs256, { count: 500 })) as [Person, ...Person[]]
const pairs: Pair[] = []

for (let round = 0; round < Number(values.rounds); round++)
  for (const target of compared) {
    const running = await start(target, { databaseUrl: url, poolSize: 10, jwksUrl: '', token: slow.token })
    await ask(running, 'E') // also so that every connection knows the statement that is going to wait: only then others queue behind it
    for (const operation of ['A', 'C'] as const) {
      const alone = round % 2 === 0 ? await ask(running, operation) : undefined
      const until = Date.now() + 1000 * (warmUp + Number(values.seconds))
      const [beside] = await Promise.all([ask(running, operation), keepWaiting(running, until)])
      pairs.push({ operation, target, alone: alone ?? (await ask(running, operation)), beside })
    }
    process.stderr.write(`round ${round + 1}: ${target}\n`)
    await running.stop()
  }

const texts = (['A', 'C'] as const).map(operation =>
  table(
    [`${what[operation]} of everybody else`, 'requests/s', 'p50, ms', 'p95, ms', 'p99, ms', 'slowest, ms', 'p99 beside / alone'],
    compared.flatMap(target =>
      rows(
        target,
        pairs.filter(pair => pair.target === target && pair.operation === operation),
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
    `${target}, ${when === 'alone' ? 'alone' : `beside a statement that waits ${wait / 1000} s`}`,
    of(when, 'perSecond').toFixed(0),
    ...(['p50', 'p95', 'p99', 'slowest'] as const).map(quantity => of(when, quantity).toFixed(1)),
    when === 'alone' ? '' : median(pairs.map(({ alone, beside }) => beside.p99 / alone.p99)).toFixed(2),
  ]
  return [line('alone'), line('beside')]
}

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
