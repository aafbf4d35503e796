// `npm run bench:events`: the memory of idle streams in one process, the time from the reply of a change to its event within a process and
// across two, and connections that never read. Needs a limit of 20,000 open files.
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { startCluster } from './cluster.ts'
import { peakMemory } from './process.ts'
import { table } from './report.ts'
import { start } from './target.ts'
import { hs256, loadUsers, type User } from './users.ts'
import { workloads } from './workloads.ts'

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '5000' },
    deaf: { type: 'string', default: '10000' },
    changes: { type: 'string', default: '300' },
  },
})
const streamsOfUser = 10
const openAtOnce = 50
const mebibyte = 1024 * 1024
const openCount = Number(values.streams)
const deafCount = Number(values.deaf)

await using cluster = await startCluster()
const { url, sql } = await cluster.create('events', { accounts: Math.ceil((openCount + deafCount) / streamsOfUser), tasks: 1 })
const users = (await loadUsers(sql, hs256, { count: Math.ceil((openCount + deafCount) / streamsOfUser) })) as [User, ...User[]]
const settings = { databaseUrl: url, poolSize: 10, jwksUrl: '', token: users[0].token, env: { MAX_EVENT_STREAMS: '1000000' } }
const [here, there] = await Promise.all([start('ours', settings), start('ours', settings)])
const rows: [measure: string, value: string][] = []
const memory = () => `${(peakMemory(here.pid) / mebibyte).toFixed(0)} MiB`

type Stream = { user: User; socket: Socket; revision: number; told: (() => void) | undefined }

rows.push(['peak memory without streams', memory()])
const streams = await openAll(openCount, 0)
for (const stream of streams) hear(stream)
rows.push([`peak memory with ${openCount} idle streams`, memory()])
for (const [name, server] of [
  ['one process', here],
  ['two processes', there],
] as const) {
  const times: number[] = []
  for (let round = 0; round < Number(values.changes); round++)
    times.push(await timeOf(streams[(round * 7) % streams.length] as Stream, server.url))
  times.sort((a, b) => a - b)
  const at = (share: number) => `${(times[Math.floor(times.length * share)] as number).toFixed(1)} ms`
  rows.push([`reply to event, ${name}: p50`, at(0.5)], [`reply to event, ${name}: p95`, at(0.95)])
}
const deaf = await openAll(deafCount, openCount / streamsOfUser)
for (const { socket } of deaf) socket.pause()
for (const { user } of deaf.filter((_, index) => index % streamsOfUser === 0)) await create(user, there.url)
const beside = await timeOf(streams[0] as Stream, here.url)
rows.push([`peak memory with ${deafCount} more that never read, each with an event due`, memory()])
rows.push(['reply to event beside them, one process', `${beside.toFixed(1)} ms`])
for (const { socket } of [...streams, ...deaf]) socket.destroy()
await Promise.all([here.stop(), there.stop()])

const text = table(['measure', 'value'], rows)
const artifacts = new URL('../../.artifacts/bench/', import.meta.url)
await mkdir(artifacts, { recursive: true })
await writeFile(new URL('events.md', artifacts), `${text}\n`)
console.log(text)

/** Opens streams, ten of each user from a number on. */
async function openAll(count: number, firstUser: number): Promise<Stream[]> {
  const all: Stream[] = []
  for (let from = 0; from < count; from += openAtOnce) {
    const numbers = Array.from({ length: Math.min(openAtOnce, count - from) }, (_, index) => from + index)
    all.push(...(await Promise.all(numbers.map(number => open(users[firstUser + Math.floor(number / streamsOfUser)] as User)))))
  }
  return all
}

async function open(user: User): Promise<Stream> {
  const socket = connect(Number(new URL(here.url).port), '127.0.0.1').on('error', () => {})
  socket.write(`GET /v1/users/me/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.token}\r\n\r\n`)
  const [head] = await once(socket, 'data')
  if (!String(head).startsWith('HTTP/1.1 200')) throw new Error(String(head))
  return { user, socket, revision: 0, told: undefined }
}

function hear(stream: Stream) {
  stream.socket.on('data', data => {
    const [, revision] = /^id: (\d+)$/m.exec(String(data)) ?? []
    if (revision === undefined) return
    stream.revision = Number(revision)
    stream.told?.()
  })
}

/** Milliseconds from the reply of a change to its event: 0 if the event came first. */
async function timeOf(stream: Stream, at: string): Promise<number> {
  const revision = await create(stream.user, at)
  const replied = performance.now()
  while (stream.revision < revision)
    await new Promise<void>(resolve => {
      stream.told = resolve
    })
  return performance.now() - replied
}

async function create(user: User, at: string): Promise<number> {
  const { path, headers, body } = workloads.create.request(user, 0)
  const response = await fetch(at + path, { method: 'POST', headers, body: body as string })
  if (response.status !== 201) throw new Error(`a change got status ${response.status}`)
  return ((await response.json()) as { revision: number }).revision
}
