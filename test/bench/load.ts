// The process that makes the load: takes a job from its parent, answers with what was measured, or with what went wrong.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import type { Request } from './operations.ts'
import { cpuOfFamily } from './process.ts'

export type Job = {
  url: string
  /** of each connection, repeated in this order; `statuses` are the ones that count as right */
  requests: Request[][]
  statuses: number[]
  /** measured, after `warmUp` that isn't */
  seconds: number
  warmUp: number
  /** processes: the server that is asked, and PostgreSQL's first */
  server: number
  postgres: number
}

export type Measure = {
  requests: number
  perSecond: number
  /** milliseconds */
  p50: number
  p95: number
  p99: number
  slowest: number
  /** microseconds of CPU for one request */
  serverCpu: number
  postgresCpu: number
}

export type Outcome = { measure: Measure } | { failure: string }

async function carryOut({ url, requests, statuses, seconds, warmUp, server, postgres }: Job): Promise<Measure> {
  const times: number[] = []
  const wrong = new Map<string, number>()
  const note = (what: string) => wrong.set(what, (wrong.get(what) ?? 0) + 1)
  let counting = false
  let connection = 0

  const options = {
    url,
    connections: requests.length,
    duration: seconds + warmUp + 30, // it's stopped before
    sampleInt: 20, // ms until it sees that it is stopped
    setupClient: (client: autocannon.Client) => client.setRequests(requests[connection++] as Request[]),
  }
  const load = autocannon(options, () => {})
  const ended = once(load, 'done')
  load.on('response', (_, status, __, time) => {
    if (!statuses.includes(status)) note(`status ${status}`)
    if (counting) times.push(time)
  })
  load.on('reqError', error => void note(String(error)))

  const reading = () => ({ at: performance.now(), server: cpuOfFamily(server), postgres: cpuOfFamily(postgres) })
  await sleep(warmUp * 1000)
  const before = reading()
  counting = true
  await sleep(seconds * 1000)
  counting = false
  const after = reading()
  load.stop()
  await ended

  const failures = [...wrong].map(([what, count]) => `${count} x ${what}`)
  if (times.length === 0) failures.push('no reply at all')
  if (failures.length > 0) throw new Error(`${url}: ${failures.join(', ')}`)

  const sorted = Float64Array.from(times).sort()
  const percentile = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] as number
  return {
    requests: times.length,
    perSecond: times.length / ((after.at - before.at) / 1000),
    p50: percentile(0.5),
    p95: percentile(0.95),
    p99: percentile(0.99),
    slowest: percentile(1),
    serverCpu: (after.server - before.server) / times.length,
    postgresCpu: (after.postgres - before.postgres) / times.length,
  }
}

process.on('message', (job: Job) => {
  carryOut(job).then(
    measure => process.send?.({ measure } satisfies Outcome),
    error => process.send?.({ failure: String(error) } satisfies Outcome),
  )
})
process.on('disconnect', () => process.exit())
