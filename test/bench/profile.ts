// `npm run bench:profile`: the CPU time of a request by layer and by function, from V8's profiler under load.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startCluster } from './cluster.ts'
import { createLoader } from './loader.ts'
import { table } from './report.ts'
import { start, type TargetName } from './target.ts'
import { hs256, loadUsers, type User } from './users.ts'
import { requests, type Workload, workloads } from './workloads.ts'

type Profile = {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  /** microseconds since the previous sample */
  timeDeltas: number[]
}

// Functions without a file: natives, by name.
const natives: Record<string, string> = {
  '(garbage collector)': 'garbage collection',
  '(program)': 'V8, HTTP parsing, socket reads',
  writeUtf8String: 'system call: the reply',
  writeLatin1String: 'system call: the reply',
  writev: 'system call: the reply',
  writeBuffer: 'system call: the statement',
  writeString: 'system call: the log',
}
const runtime = /^node:(internal\/(streams|stream_base|timers|process|async|util)|timers|stream|events|buffer)/

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: 'ours' },
    workloads: { type: 'string', default: 'list,get' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '100' },
    functions: { type: 'string', default: '25' },
  },
})
const seconds = Number(values.seconds)
const artifacts = new URL('../../.artifacts/bench/', import.meta.url)
await mkdir(artifacts, { recursive: true })
await using cluster = await startCluster()
const { url, sql } = await cluster.create('profile', { accounts: 1_000, tasks: 200 })
using load = createLoader()
const users = await loadUsers(sql, hs256, { count: 1_000 })

for (const workload of values.workloads.split(',') as Workload[]) {
  const directory = await mkdtemp(join(tmpdir(), 'taskspec-profile-'))
  const nodeOptions = ['--cpu-prof', `--cpu-prof-dir=${directory}`, '--cpu-prof-interval=250']
  const [{ token }] = users as [User]
  const running = await start(values.target as TargetName, { databaseUrl: url, poolSize: 10, jwksUrl: '', token, nodeOptions })
  const job = { statuses: workloads[workload].statuses, warmUp: 2, seconds, server: running.pid, postgres: cluster.pid }
  const measured = await load.run({ ...job, url: running.url, requests: requests(workload, users, Number(values.connections)) })
  await running.stop()

  const [file] = await readdir(directory)
  const text = await readFile(join(directory, file as string), 'utf8')
  await writeFile(new URL(`${values.target}-${workload}.cpuprofile`, artifacts), text)
  await rm(directory, { recursive: true })
  report(workload, JSON.parse(text), measured.serverCpu)
}

/** Splits the CPU time of a request by the samples of the last seconds, during the measurement. Idle samples do not count. */
function report(workload: Workload, { nodes, samples, timeDeltas }: Profile, perRequest: number) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const functions = new Map<string, number>()
  const layers = new Map<string, number>()
  let remaining = (seconds - 0.2) * 1e6
  let total = 0
  for (let index = samples.length - 1; index >= 0 && remaining > 0; index--) {
    const time = timeDeltas[index] as number
    const { functionName, url, lineNumber } = frames.get(samples[index] as number) as Profile['nodes'][number]['callFrame']
    remaining -= time
    if (functionName === '(idle)') continue
    total += time
    const name = `${functionName || '(anonymous)'} ${url === '' ? '' : `${url.replace(/^.*?\/(node_modules|src|test)\//, '$1/')}:${lineNumber + 1}`}`
    functions.set(name, (functions.get(name) ?? 0) + time)
    const layer = layerOf(functionName, url)
    layers.set(layer, (layers.get(layer) ?? 0) + time)
  }
  const rows = (of: Map<string, number>) =>
    [...of]
      .sort(([, a], [, b]) => b - a)
      .slice(0, Number(values.functions))
      .map(([name, time]) => [name, `${((100 * time) / total).toFixed(1)} %`, ((perRequest * time) / total).toFixed(1)])
  console.log(`\n${values.target}, ${workload}: ${perRequest.toFixed(0)} µs of CPU per request, with the profiler\n`)
  console.log(`${table(['layer', 'share', 'µs'], rows(layers))}\n\n${table(['function', 'share', 'µs'], rows(functions))}`)
}

function layerOf(name: string, url: string): string {
  if (url === '') return natives[name] ?? 'other built-ins, compiled validators'
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  if (dependency !== undefined) return dependency
  if (url.startsWith('node:')) return runtime.test(url) ? 'node: streams, timers, events, buffers' : 'node: http, net'
  return url.replace(/^.*?\/(src|test)\//, '$1/')
}
