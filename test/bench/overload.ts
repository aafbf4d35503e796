// `npm run bench:overload`: the goodput under overload, as a share of the peak. 1500 connections, several times the limit of requests
// in flight, send the next request as soon as a reply arrives, whatever its status. A reply counts if it is a success within 3 s.
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { startCluster } from './cluster.ts'
import { median, table } from './report.ts'
import { type Answers, storm } from './storm.ts'
import { start } from './target.ts'
import { hs256, loadUsers, type User } from './users.ts'
import { type Workload, workloads } from './workloads.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    workloads: { type: 'string', default: 'list,create,mix' },
    connections: { type: 'string', default: '1500' },
  },
})
const seconds = Number(values.seconds)
const connections = Number(values.connections)
const deadline = 3_000 // ms
const levels = [100, 200, 400] // connections; the best of these levels is the peak

await using cluster = await startCluster()
const { url, sql, tidy } = await cluster.create('overload', { accounts: 500, tasks: 100 })
const users = (await loadUsers(sql, hs256, { count: 500 })) as [User, ...User[]]
const rows: (string | number)[][] = []
const rounds: object[] = []

for (const workload of values.workloads.split(',') as Workload[]) {
  const requests = Array.from({ length: 2_000 }, (_, n) => workloads[workload].request(users[n % users.length] as User, n))
  const results: { peak: number; share: number; over: Answers }[] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    const running = await start('ours', { databaseUrl: url, poolSize: 10, jwksUrl: '', token: users[0].token })
    const common = { url: running.url, requests, seconds, deadline }
    const goodput = ({ times }: Answers) => times.length / seconds
    await storm({ ...common, connections: 100, seconds: 1 })
    let peak = 0
    for (const connections of levels) peak = Math.max(peak, goodput(await storm({ ...common, connections })))
    const over = await storm({ ...common, connections })
    await running.stop()
    await tidy()
    results.push({ peak, share: goodput(over) / peak, over })
    rounds.push({ workload, round, peak, ...over, brokenAt: over.brokenAt.length, times: [] })
    process.stderr.write(`${workload}, round ${round + 1}: ${peak.toFixed(0)}/s, then ${goodput(over).toFixed(0)}/s\n`)
  }
  const of = (value: (each: (typeof results)[0]) => number) => median(results.map(value))
  rows.push([
    workload,
    of(({ peak }) => peak).toFixed(0),
    of(({ share }) => share).toFixed(2),
    of(({ over }) => (over.statuses[503] ?? 0) / over.sent).toFixed(2),
    of(({ over }) => (over.late + over.brokenAt.length) / over.sent).toFixed(4),
    of(({ over }) => over.times[Math.ceil(over.times.length / 2) - 1] ?? Number.NaN).toFixed(0),
    of(({ over }) => over.times[Math.ceil(over.times.length * 0.99) - 1] ?? Number.NaN).toFixed(0),
  ])
}

const heads = [
  `${connections} connections`,
  'peak with up to 400, requests/s',
  'share of the peak',
  '503',
  'late or lost',
  'p50, ms',
  'p99, ms',
]
const text = table(
  heads,
  rows.map(row => row.map(String)),
)
const artifacts = new URL('../../.artifacts/bench/', import.meta.url)
await mkdir(artifacts, { recursive: true })
await writeFile(new URL('overload.json', artifacts), `${JSON.stringify(rounds, null, 2)}\n`)
await writeFile(new URL('overload.md', artifacts), `${text}\n`)
console.log(text)
