// `npm run bench:transfer`: one user exports an account of 50,000 tasks and imports it again, while others read lists.
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { startCluster } from './cluster.ts'
import { peakMemory } from './process.ts'
import { table } from './report.ts'
import { storm } from './storm.ts'
import { start } from './target.ts'
import { hs256, loadUsers, type User } from './users.ts'
import { type Request, workloads } from './workloads.ts'

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '50000' },
    connections: { type: 'string', default: '20' },
    'per-second': { type: 'string', default: '200' },
    seconds: { type: 'string', default: '5' },
  },
})
const tasks = Number(values.tasks)
const mebibyte = 2 ** 20
const deadline = 5_000 // ms

await using cluster = await startCluster()
// The first account is the large one.
const { url: databaseUrl, sql } = await cluster.create('transfer', { accounts: 1, tasks }, { accounts: 200, tasks: 100, first: 2 })
const [large, ...others] = (await loadUsers(sql, hs256, { count: 201 })).sort((a, b) =>
  a.id.localeCompare(b.id, 'en', { numeric: true }),
) as [User, ...User[]]
const running = await start('ours', { databaseUrl, poolSize: 10, jwksUrl: '', token: large.token })
const headers = { Authorization: `Bearer ${large.token}` }
const space = `${running.url}/v1/users/me`
const lists: Request[] = others.map(user => workloads.list.request(user, 0))
const load = {
  url: running.url,
  requests: lists,
  connections: Number(values.connections),
  perSecond: Number(values['per-second']),
  deadline,
}

type Measured = { name: string; seconds: number; bytes: number; peakBefore: number; peakAfter: number; times: number[] }
const rows: Measured[] = []

await storm({ ...load, seconds: 1 })
const { times } = await storm({ ...load, seconds: Number(values.seconds) })
const peak = peakMemory(running.pid)
rows.push({ name: 'nothing', seconds: Number(values.seconds), bytes: 0, peakBefore: peak, peakAfter: peak, times })

const file = await measured('export', async () => (await fetch(`${space}/export`, { headers })).text())
await fetch(space, { method: 'DELETE', headers })
for (const name of ['import', 'the same import again']) {
  const report = await measured(name, async () => {
    const reply = await fetch(`${space}/import`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/x-ndjson' },
      body: file,
    })
    return reply.text()
  })
  if (JSON.parse(report).failed !== 0) throw new Error(`the ${name} has failed: ${report.slice(0, 500)}`)
}
if ((await (await fetch(`${space}/export`, { headers })).text()) !== file) throw new Error('the account is another one')
await running.stop()

const text = table(
  [
    `beside (${tasks} tasks)`,
    'seconds',
    'MiB',
    'peak memory before, MiB',
    'peak memory after, MiB',
    'p50 of lists, ms',
    'p95, ms',
    'slowest, ms',
  ],
  rows.map(({ name, seconds, bytes, peakBefore, peakAfter, times }) => [
    ...[name, seconds.toFixed(1)],
    ...[bytes, peakBefore, peakAfter].map(each => (each / mebibyte).toFixed(1)),
    ...[0.5, 0.95, 1].map(share => (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(1)),
  ]),
)
const artifacts = new URL('../../.artifacts/bench/', import.meta.url)
await mkdir(artifacts, { recursive: true })
await writeFile(new URL('transfer.md', artifacts), `${text}\n`)
console.log(text)

/** Does something while others read lists. */
async function measured(name: string, work: () => Promise<string>): Promise<string> {
  const peakBefore = peakMemory(running.pid)
  const ending = new AbortController()
  const others = storm({ ...load, signal: ending.signal })
  const began = performance.now()
  const result = await work()
  const seconds = (performance.now() - began) / 1000
  ending.abort()
  const { times } = await others
  const bytes = name === 'export' ? Buffer.byteLength(result) : Buffer.byteLength(file)
  rows.push({ name, seconds, bytes, peakBefore, peakAfter: peakMemory(running.pid), times })
  return result
}
