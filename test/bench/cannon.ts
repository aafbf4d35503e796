// Load from autocannon, which comes with the project.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import type { Answered, Job } from './load.ts'
import type { Request } from './operations.ts'

export async function cannon({ url, requests, statuses, seconds, warmUp }: Job, mark: () => void): Promise<Answered> {
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

  await sleep(warmUp * 1000)
  const began = performance.now()
  mark()
  counting = true
  await sleep(seconds * 1000)
  counting = false
  mark()
  const took = (performance.now() - began) / 1000
  load.stop()
  await ended

  const failures = [...wrong].map(([what, count]) => `${count} x ${what}`)
  if (times.length === 0) failures.push('no reply at all')
  if (failures.length > 0) throw new Error(`${url}: ${failures.join(', ')}`)

  const sorted = Float64Array.from(times).sort()
  const percentile = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] as number
  return {
    requests: times.length,
    seconds: took,
    p50: percentile(0.5),
    p95: percentile(0.95),
    p99: percentile(0.99),
    slowest: percentile(1),
  }
}
