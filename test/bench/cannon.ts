// Load from autocannon, a development dependency.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import type { Job, Replies } from './load.ts'
import type { Request } from './workloads.ts'

export async function cannon({ url, requests, statuses, seconds, warmUp }: Job, readCpu: () => void): Promise<Replies> {
  const times: number[] = []
  const errors = new Map<string, number>()
  const count = (error: string) => errors.set(error, (errors.get(error) ?? 0) + 1)
  let counting = false
  let connection = 0

  const options = {
    url,
    connections: requests.length,
    duration: seconds + warmUp + 30, // it is stopped earlier
    sampleInt: 20, // ms until it notices the stop
    setupClient: (client: autocannon.Client) => client.setRequests(requests[connection++] as Request[]),
  }
  const load = autocannon(options, () => {})
  const ended = once(load, 'done')
  load.on('response', (_, status, __, time) => {
    if (!statuses.includes(status)) count(`status ${status}`)
    if (counting) times.push(time)
  })
  load.on('reqError', error => void count(String(error)))

  await sleep(warmUp * 1000)
  const began = performance.now()
  readCpu()
  counting = true
  await sleep(seconds * 1000)
  counting = false
  readCpu()
  const took = (performance.now() - began) / 1000
  load.stop()
  await ended

  const failures = [...errors].map(([error, times]) => `${times} x ${error}`)
  if (times.length === 0) failures.push('no reply')
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
