// The process that makes the load: takes a job from its parent, answers with what was measured, or with what went wrong.
import { cannon } from './cannon.ts'
import type { Request } from './operations.ts'
import { cpuOfFamily } from './process.ts'
import { hasWrk, wrk } from './wrk.ts'

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

/** What came back in the measured seconds; times in milliseconds. */
export type Answered = { requests: number; seconds: number; p50: number; p95: number; p99: number; slowest: number }

export type Measure = Omit<Answered, 'seconds'> & {
  perSecond: number
  /** microseconds of CPU for one request */
  serverCpu: number
  postgresCpu: number
}

type Reading = { server: number; postgres: number }
export type Outcome = { measure: Measure } | { failure: string }

const generator = hasWrk().then(has => (has ? wrk : cannon))

async function carryOut(job: Job): Promise<Measure> {
  const readings: Reading[] = []
  const mark = () => void readings.push({ server: cpuOfFamily(job.server), postgres: cpuOfFamily(job.postgres) })
  const { seconds, ...answered } = await (await generator)(job, mark)
  const [before, after] = readings as [Reading, Reading]
  return {
    ...answered,
    perSecond: answered.requests / seconds,
    serverCpu: (after.server - before.server) / answered.requests,
    postgresCpu: (after.postgres - before.postgres) / answered.requests,
  }
}

process.on('message', (job: Job) => {
  carryOut(job).then(
    measure => process.send?.({ measure } satisfies Outcome),
    error => process.send?.({ failure: String(error) } satisfies Outcome),
  )
})
process.on('disconnect', () => process.exit())
