// More requests than can be served, and a process that stands still. What is measured strictly is in test/bench/overload.ts: here a
// machine that is slow or busy must not matter.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, vi } from 'vitest'
import { storm } from '../bench/storm.ts'
import type { Request } from '../bench/workloads.ts'
import { client } from '../support/client.ts'
import { linesOf, listening, type Process, run } from '../support/process.ts'
import { test as base, tokenOf } from '../support/taskspec.ts'

const deadline = 15_000 // ms

type Site = { url: string; process: Process; shed: (reason: string) => Promise<number>; requests: Request[] }
const test = base.extend<{ $test: { open: (...flags: string[]) => Promise<Site> } }>({
  open: [
    async ({ service }, use) => {
      await use(async (...flags) => {
        const process = run(
          { NODE_ENV: 'production', DATABASE_URL: service.databaseUrl, RATE_LIMIT_PER_MINUTE: '0', METRICS_PORT: '0' },
          { flags },
        )
        const url = await listening(process)
        const { metrics } = linesOf(process).find(({ msg }) => msg === 'listening') as { metrics: string }
        const tokens = await Promise.all(Array.from({ length: 100 }, (_, i) => tokenOf(`overload-${i}`)))
        return {
          url,
          process,
          requests: tokens.map(token => ({ method: 'GET', path: '/v1/users/me/tasks', headers: { Authorization: `Bearer ${token}` } })),
          async shed(reason) {
            const text = await (await fetch(metrics)).text()
            return Number(new RegExp(`^taskspec_requests_shed_total\\{reason="${reason}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
          },
        }
      })
    },
    { scope: 'test' },
  ],
})

/** Asks all the time whether the process is alive; ends with how often it was not. */
function pulse(url: string) {
  let going = true
  let beats = 0
  let missed = 0
  async function beat() {
    for (; going; beats++) {
      const { status } = await fetch(`${url}/livez`, { signal: AbortSignal.timeout(deadline) })
      if (status !== 200) missed += 1
      await sleep(50)
    }
  }
  const beating = beat()
  return async () => {
    going = false
    await beating
    return { beats, missed }
  }
}

/** Everybody is served again, in the end also on a machine that has something else to do. */
function allWell(url: string, requests: Request[]) {
  return vi.waitFor(async () => {
    const { sent, statuses } = await storm({ url, requests, connections: 100, seconds: 0.3, deadline })
    expect(statuses).toEqual({ 200: sent })
  }, deadline)
}

test('while three times as many ask as it lets in, it serves as much as before and sends the rest away', async ({ open }) => {
  const { url, requests } = await open()
  const usual = { url, requests, connections: 100, seconds: 1, deadline }
  await storm(usual)

  // The machine may have been busy with something else in one of them.
  await vi.waitFor(
    async () => {
      const peak = await storm(usual)
      expect(peak.statuses).toEqual({ 200: peak.sent })
      const stop = pulse(url)
      const over = await storm({ ...usual, connections: 1_500, seconds: 2 })
      expect((await stop()).missed).toBe(0)
      expect({ ...over, times: [], sent: 0, statuses: 0 }).toEqual({ sent: 0, statuses: 0, unspoken: 0, late: 0, broken: 0, times: [] })
      expect(Object.keys(over.statuses)).toEqual(['200', '503'])
      const after = await storm(usual)
      expect(after.statuses).toEqual({ 200: after.sent })
      expect(over.times.length / 2 / Math.max(peak.sent, after.sent)).toBeGreaterThan(0.4)
    },
    { timeout: 25_000, interval: 0 },
  )
})

// Five hundred must have come within the second that they wait for a connection.
test('while the database stands still, those who find no place are told at once', { retry: 2 }, async ({ open, service }) => {
  const { url, requests, shed, process } = await open()
  const lock = await service.sql.reserve()
  await lock`begin`
  await lock`lock table tasks in access exclusive mode`
  const stop = pulse(url)
  const crowd = storm({ url, requests, connections: 1_500, perSecond: 10_000, seconds: 0.15, deadline })
  await vi.waitFor(async () => expect(await shed('queue')).toBeGreaterThan(0), deadline)
  await lock`rollback`
  lock.release()
  const { sent, statuses, unspoken, broken, late } = await crowd
  expect({ unspoken, broken, late, missed: (await stop()).missed }).toEqual({ unspoken: 0, broken: 0, late: 0, missed: 0 })
  expect((statuses[200] ?? 0) + (statuses[503] ?? 0)).toBe(sent)

  await vi.waitFor(() => expect(linesOf(process)).toContainEqual(expect.objectContaining({ msg: 'overload' })), 5_000)
  // What was sent away stands in no other line.
  const lines = linesOf(process).filter(({ msg, status }) => msg === 'request' && status === 503)
  expect(lines.length).toBe((statuses[503] as number) - (await shed('queue')))
  await allWell(url, requests)
})

test('while the process is late all the time, only health is answered, and everything is when it is not', async ({ open }) => {
  const block = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0,450)'
  const late = `const end=Date.now()+4000,again=()=>{${block};if(Date.now()<end)setTimeout(again,5)};process.on("SIGUSR2",again)`
  const { url, process, shed } = await open('--import', `data:text/javascript,${late}`)
  const ann = client(url, await tokenOf('patient'))
  await ann.listTasks()
  process.child.kill('SIGUSR2')
  const stop = pulse(url)
  await vi.waitFor(() => ann.listTasks({}, 503), deadline)
  await ann.getReadiness()
  expect(await shed('delay')).toBeGreaterThan(0)
  await vi.waitFor(() => ann.listTasks(), deadline)
  expect((await stop()).missed).toBe(0)
})

test('after it has stood still for seconds, it answers what has come meanwhile', async ({ open }) => {
  const { url, process, requests, shed } = await open()
  const before = storm({ url, requests, connections: 100, seconds: 1, deadline })
  await sleep(500)
  process.child.kill('SIGSTOP')
  const meanwhile = storm({ url, requests, connections: 100, perSecond: 200, seconds: 1, deadline })
  await sleep(2_000)
  process.child.kill('SIGCONT')
  for (const { sent, statuses, broken, late } of await Promise.all([before, meanwhile])) {
    expect({ broken, late }).toEqual({ broken: 0, late: 0 })
    expect((statuses[200] ?? 0) + (statuses[503] ?? 0)).toBe(sent)
  }
  // One stop is no overload.
  expect((await meanwhile).statuses[200]).toBeGreaterThan(0)
  expect(await shed('queue')).toBe(0)
  await allWell(url, requests)
})
