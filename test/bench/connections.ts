// `npm run bench:connections`: 100 busy connections to one process, alone and beside 10,000 idle ones: throughput, peak memory, and where
// the memory of the idle ones goes. Each idle one is of another user, has read a task, and is silent for less than the 65 s after which
// the server would close it.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startCluster } from './cluster.ts'
import type { Measure } from './load.ts'
import { createLoader } from './loader.ts'
import { peakMemory } from './process.ts'
import { median, table } from './report.ts'
import { type Running, start } from './target.ts'
import { hs256, loadUsers, type User } from './users.ts'
import { raw, requests, workloads } from './workloads.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    idle: { type: 'string', default: '10000' },
    busy: { type: 'string', default: '100' },
  },
})
const idleCount = Number(values.idle)
const busyUsers = 1_000
const warmUp = 2 // s
const mebibyte = 2 ** 20
const artifacts = new URL('../../.artifacts/bench/', import.meta.url)
const memoryFile = fileURLToPath(new URL('memory.json', artifacts))
const memoryHook = fileURLToPath(new URL('memory.ts', import.meta.url))

type Life = Measure & { memory: number; open: number }

await requireOpenFiles(idleCount + 1_000)
await mkdir(artifacts, { recursive: true })
await using cluster = await startCluster()
const { url: databaseUrl, sql, tidy } = await cluster.create('connections', { accounts: busyUsers + idleCount, tasks: 20 })
const users = (await loadUsers(sql, hs256, { count: busyUsers + idleCount })) as [User, ...User[]]
const [busy, idle] = [users.slice(0, busyUsers), users.slice(busyUsers)]
const settings = { databaseUrl, poolSize: 10, jwksUrl: '', token: users[0].token }
using load = createLoader()

const lives: { alone: Life[]; beside: Life[] } = { alone: [], beside: [] }
for (let round = 0; round < Number(values.rounds); round++)
  for (const kind of round % 2 === 0 ? (['alone', 'beside'] as const) : (['beside', 'alone'] as const)) {
    process.stderr.write(`round ${round + 1}: ${kind}\n`)
    lives[kind].push(await live(kind === 'alone' ? [] : idle))
  }
const row = (title: string, digits: number, value: (life: Life) => number) => [
  title,
  ...[lives.alone, lives.beside].map(each => median(each.map(value)).toFixed(digits)),
]
const rows = [
  row('requests/s', 0, ({ perSecond }) => perSecond),
  row('p50, ms', 1, ({ p50 }) => p50),
  row('p99, ms', 1, ({ p99 }) => p99),
  row('server CPU, µs per request', 0, ({ serverCpu }) => serverCpu),
  row('peak memory, MiB', 0, ({ memory }) => memory / mebibyte),
  row('idle ones that are open at the end', 0, ({ open }) => open),
]
const text = [
  table([`${values.busy} busy connections`, 'alone', `beside ${idleCount} idle ones`], rows),
  table(['after a garbage collection', 'without idle ones, MiB', 'with them, MiB', 'kB for each'], await memoryRows()),
].join('\n\n')
await writeFile(new URL('connections.md', artifacts), `${text}\n`)
console.log(text)

async function requireOpenFiles(count: number) {
  const limit = /^Max open files +(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1]
  if (Number(limit) < count)
    throw new Error(`A process may open ${limit} files, and ${count} are needed: raise the limit (ulimit -n ${count}) or lower --idle.`)
}

/** A process from its start to its end. Rejects if a request fails. */
async function live(idle: User[]): Promise<Life> {
  const running = await start('ours', settings)
  await mix(running, warmUp)
  const sockets = await openAll(running, idle)
  const measure = await mix(running, Number(values.seconds))
  const memory = peakMemory(running.pid)
  const replies = await inTurns(idle, (user, index) => readTask(sockets[index] as Socket, user))
  for (const socket of sockets) socket.resetAndDestroy() // a reset leaves no port in TIME_WAIT
  await running.stop()
  await tidy()
  return { ...measure, memory, open: replies.filter(Boolean).length }
}

function mix({ url, pid }: Running, seconds: number) {
  const job = { statuses: workloads.mix.statuses, warmUp, seconds, server: pid, postgres: cluster.pid }
  return load.run({ ...job, url, requests: requests('mix', busy, Number(values.busy)) })
}

/** In a process of its own, because a forced collection changes the peak. */
async function memoryRows(): Promise<string[][]> {
  const nodeOptions = ['--expose-gc', '--import', memoryHook]
  const running = await start('ours', { ...settings, nodeOptions, env: { MEMORY_FILE: memoryFile } })
  await mix(running, warmUp)
  const before = await memoryOf(running)
  const sockets = await openAll(running, idle)
  const after = await memoryOf(running)
  for (const socket of sockets) socket.resetAndDestroy()
  await running.stop()
  return (['rss', 'heapTotal', 'heapUsed', 'external', 'arrayBuffers'] as const).map(kind => [
    kind,
    ...[before, after].map(each => (each[kind] / mebibyte).toFixed(1)),
    ((after[kind] - before[kind]) / 1000 / idleCount).toFixed(1),
  ])
}

async function memoryOf({ pid }: Running): Promise<NodeJS.MemoryUsage> {
  await rm(memoryFile, { force: true })
  process.kill(pid, 'SIGUSR2')
  for (;;) {
    const text = await readFile(memoryFile, 'utf8').catch(() => undefined)
    if (text !== undefined) return JSON.parse(text)
    await sleep(10)
  }
}

function openAll({ url }: Running, users: User[]): Promise<Socket[]> {
  const { hostname, port } = new URL(url)
  return inTurns(users, async user => {
    const socket = connect(Number(port), hostname).on('error', () => {})
    if (!(await readTask(socket, user))) throw new Error('An idle connection did not get its task.')
    return socket
  })
}

/** Whether the connection is open and the reply is 200. */
function readTask(socket: Socket, user: User): Promise<boolean> {
  return new Promise(resolve => {
    if (socket.destroyed) resolve(false)
    socket.once('close', () => resolve(false))
    socket.once('data', data => resolve(String(data).startsWith('HTTP/1.1 200')))
    socket.write(raw(workloads.get.request(user, 0)))
  })
}

/** At most 200 at a time, which fit into the backlog of the server. */
async function inTurns<Item, Result>(items: Item[], work: (item: Item, index: number) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = []
  const turns = items.entries()
  const takeTurns = async () => {
    for (const [index, item] of turns) results[index] = await work(item, index)
  }
  await Promise.all(Array.from({ length: 200 }, takeTurns))
  return results
}
