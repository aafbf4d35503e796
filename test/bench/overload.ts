// `npm run bench:overload`: how much is left of what a server can do when three times as many ask as it lets in, and ask again as soon
// as they are answered, whatever they were told. What counts is answered with success within the time that the contract promises.
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { startCluster } from './cluster.ts'
import { type Operation, operations } from './operations.ts'
import { hs256, type Person, people } from './people.ts'
import { median, table } from './report.ts'
import { type Answers, storm } from './storm.ts'
import { start } from './target.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    operations: { type: 'string', default: 'A,C,E' },
    connections: { type: 'string', default: '1500' },
  },
})
const seconds = Number(values.seconds)
const connections = Number(values.connections)
const deadline = 3_000 // ms
const levels = [100, 200, 400] // connections: one of them finds what the server can do at most

await using cluster = await startCluster()
const { url, sql, tidy } = await cluster.create('overload', { accounts: 500, tasks: 100 })
const crowd = (await people(sql, hs256, { count: 500 })) as [Person, ...Person[]]
const rows: (string | number)[][] = []
const rounds: object[] = []

for (const operation of values.operations.split(',') as Operation[]) {
  const requests = Array.from({ length: 2_000 }, (_, n) => operations[operation].request(crowd[n % crowd.length] as Person, n))
  const seen: { peak: number; share: number; over: Answers }[] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    const running = await start('ours', { databaseUrl: url, poolSize: 10, jwksUrl: '', token: crowd[0].token })
    const usual = { url: running.url, requests, seconds, deadline }
    const good = ({ times }: Answers) => times.length / seconds
    await storm({ ...usual, connections: 100, seconds: 1 })
    let peak = 0
    for (const connections of levels) peak = Math.max(peak, good(await storm({ ...usual, connections })))
    const over = await storm({ ...usual, connections })
    await running.stop()
    await tidy()
    seen.push({ peak, share: good(over) / peak, over })
    rounds.push({ operation, round, peak, ...over, times: [] })
    process.stderr.write(`${operation}, round ${round + 1}: ${peak.toFixed(0)}/s, then ${good(over).toFixed(0)}/s\n`)
  }
  const of = (value: (each: (typeof seen)[0]) => number) => median(seen.map(value))
  rows.push([
    `${operation} ${operations[operation].title}`,
    of(({ peak }) => peak).toFixed(0),
    of(({ share }) => share).toFixed(2),
    of(({ over }) => (over.statuses[503] ?? 0) / over.sent).toFixed(2),
    of(({ over }) => (over.late + over.broken) / over.sent).toFixed(4),
    of(({ over }) => over.times[Math.ceil(over.times.length / 2) - 1] ?? Number.NaN).toFixed(0),
    of(({ over }) => over.times[Math.ceil(over.times.length * 0.99) - 1] ?? Number.NaN).toFixed(0),
  ])
}

const heads = [`${connections} connections`, 'peak with up to 400, requests/s', 'share of it', '503', 'late or lost', 'p50, ms', 'p99, ms']
const text = table(
  heads,
  rows.map(row => row.map(String)),
)
const artifacts = new URL('../../.artifacts/bench/', import.meta.url)
await mkdir(artifacts, { recursive: true })
await writeFile(new URL('overload.json', artifacts), `${JSON.stringify(rounds, null, 2)}\n`)
await writeFile(new URL('overload.md', artifacts), `${text}\n`)
console.log(text)
