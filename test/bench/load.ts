// The load process: receives a job from its parent and replies with the measurement or an error.
import { cannon } from './cannon.ts'
import { cpuOfFamily } from './process.ts'
import type { Request } from './workloads.ts'
import { hasWrk, wrk } from './wrk.ts'

export type Job = {
  url: string
  /** the requests of each connection, repeated in this order; `statuses` lists the correct statuses */
  requests: Request[][]
  statuses: number[]
  /** duration of the measurement, which follows `warmUp` seconds of load */
  seconds: number
  warmUp: number
  /** process ids of the server and of PostgreSQL's main process */
  server: number
  postgres: number
}

/** The replies during the measurement; times in milliseconds. */
export type Replies = { requests: number; seconds: number; p50: number; p95: number; p99: number; slowest: number }

export type Measure = Omit<Replies, 'seconds'> & {
  perSecond: number
  /** microseconds of CPU for one request */
  serverCpu: number
  postgresCpu: number
}

type Reading = { server: number; postgres: number }
export type Outcome = { measure: Measure } | { failure: string }

const generate = hasWrk().then(has => (has ? wrk : cannon))

async function carryOut(job: Job): Promise<Measure> {
  const readings: Reading[] = []
  const readCpu = () => void readings.push({ server: cpuOfFamily(job.server), postgres: cpuOfFamily(job.postgres) })
  const { seconds, ...replies } = await (await generate)(job, readCpu)
  const [before, after] = readings as [Reading, Reading]
  return {
    ...replies,
    perSecond: replies.requests / seconds,
    serverCpu: (after.server - before.server) / replies.requests,
    postgresCpu: (after.postgres - before.postgres) / replies.requests,
  }
}

process.on('message', (job: Job) => {
  carryOut(job).then(
    measure => process.send?.({ measure } satisfies Outcome),
    error => process.send?.({ failure: String(error) } satisfies Outcome),
  )
})
process.on('disconnect', () => process.exit())
