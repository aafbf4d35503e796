// `npm run bench:profile`: where the time of a request goes, by layer and by function, from V8's profiler under load.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startCluster } from './cluster.ts'
import { loader } from './loader.ts'
import { type Operation, operations, requests } from './operations.ts'
import { hs256, type Person, people } from './people.ts'
import { table } from './report.ts'
import { start, type TargetName } from './target.ts'

type Profile = {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  /** microseconds, each after the one before */
  timeDeltas: number[]
}

// What has no file: natives by their names, and code that was compiled from text.
const natives: Record<string, string> = {
  '(garbage collector)': 'garbage collection',
  '(program)': 'V8, parsing of HTTP, reading',
  writeUtf8String: 'system call: the reply',
  writeLatin1String: 'system call: the reply',
  writev: 'system call: the reply',
  writeBuffer: 'system call: the statement',
  writeString: 'system call: the log',
}
const foundations = /^node:(internal\/(streams|stream_base|timers|process|async|util)|timers|stream|events|buffer)/

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: 'ours' },
    operations: { type: 'string', default: 'A,B' },
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
using load = loader()
const crowd = await people(sql, hs256, { count: 1_000 })

for (const operation of values.operations.split(',') as Operation[]) {
  const directory = await mkdtemp(join(tmpdir(), 'taskspec-profile-'))
  const nodeOptions = ['--cpu-prof', `--cpu-prof-dir=${directory}`, '--cpu-prof-interval=250']
  const [{ token }] = crowd as [Person]
  const running = await start(values.target as TargetName, { databaseUrl: url, poolSize: 10, jwksUrl: '', token, nodeOptions })
  const job = { statuses: operations[operation].statuses, warmUp: 2, seconds, server: running.pid, postgres: cluster.pid }
  const measured = await load.run({ ...job, url: running.url, requests: requests(operation, crowd, Number(values.connections)) })
  await running.stop()

  const [file] = await readdir(directory)
  const text = await readFile(join(directory, file as string), 'utf8')
  await writeFile(new URL(`${values.target}-${operation}.cpuprofile`, artifacts), text)
  await rm(directory, { recursive: true })
  report(operation, JSON.parse(text), measured.serverCpu)
}

/** Shares of the time at work in the last seconds, when the load was on; as microseconds of what a request costs. */
function report(operation: Operation, { nodes, samples, timeDeltas }: Profile, perRequest: number) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const spent = new Map<string, number>()
  const layers = new Map<string, number>()
  let left = (seconds - 0.2) * 1e6
  let all = 0
  for (let index = samples.length - 1; index >= 0 && left > 0; index--) {
    const time = timeDeltas[index] as number
    const { functionName, url, lineNumber } = frames.get(samples[index] as number) as Profile['nodes'][number]['callFrame']
    left -= time
    if (functionName === '(idle)') continue
    all += time
    const name = `${functionName || '(anonymous)'} ${url === '' ? '' : `${url.replace(/^.*?\/(node_modules|src|test)\//, '$1/')}:${lineNumber + 1}`}`
    spent.set(name, (spent.get(name) ?? 0) + time)
    const layer = layerOf(functionName, url)
    layers.set(layer, (layers.get(layer) ?? 0) + time)
  }
  const rows = (of: Map<string, number>) =>
    [...of]
      .sort(([, a], [, b]) => b - a)
      .slice(0, Number(values.functions))
      .map(([name, time]) => [name, `${((100 * time) / all).toFixed(1)} %`, ((perRequest * time) / all).toFixed(1)])
  console.log(`\n${values.target}, ${operation} ${operations[operation].title}: ${perRequest.toFixed(0)} µs of CPU a request, profiled\n`)
  console.log(`${table(['layer', 'share', 'µs'], rows(layers))}\n\n${table(['function itself', 'share', 'µs'], rows(spent))}`)
}

function layerOf(name: string, url: string): string {
  if (url === '') return natives[name] ?? 'other built-ins, compiled validators'
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  if (dependency !== undefined) return dependency
  if (url.startsWith('node:')) return foundations.test(url) ? 'node: streams, timers, events, buffers' : 'node: http, net'
  return url.replace(/^.*?\/(src|test)\//, '$1/')
}
