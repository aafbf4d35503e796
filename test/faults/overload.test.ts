// More requests than the server can process, and a process that stalls. test/bench/overload.ts measures the goodput. Here the speed of the
// machine must not matter, so the tests count and wait for states.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { storm } from '../bench/storm.ts'
import type { Request } from '../bench/workloads.ts'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { linesOf, listening, type Process, run } from '../support/process.ts'
import { test as base, tokenOf } from '../support/taskspec.ts'

const timeout = 180_000
const deadline = 60_000 // ms

type Site = {
  url: string
  process: Process
  requests: Request[]
  /** the sum of a metric over all of its labels, or over those that begin so */
  metric: (name: string) => Promise<number>
  /** Asks all the time whether the process is alive. The function that it returns ends that, and says how often it was not. */
  watchLiveness: () => () => Promise<{ beats: number; missed: number }>
}
type Fixtures = {
  $file: {
    open: (...flags: string[]) => Promise<Site>
    /** A server that the tests share. */
    site: Site
  }
}
const test = base.extend<Fixtures>({
  open: [
    async ({ service }, use) => {
      const background: (() => unknown)[] = []
      await use(async (...flags) => {
        const env = { NODE_ENV: 'production', DATABASE_URL: service.databaseUrl, RATE_LIMIT_PER_MINUTE: '0', METRICS_PORT: '0' }
        const process = run(env, { flags, atEnd: stop => void background.push(stop as () => unknown) })
        const url = await listening(process)
        const { metrics } = linesOf(process).find(({ msg }) => msg === 'listening') as { metrics: string }
        const tokens = await Promise.all(Array.from({ length: 100 }, (_, i) => tokenOf(`overload-${i}`)))
        return {
          url,
          process,
          requests: tokens.map(token => ({ method: 'GET', path: '/v1/users/me/tasks', headers: { Authorization: `Bearer ${token}` } })),
          async metric(name) {
            const text = await (await fetch(metrics)).text()
            const lines = text.split('\n').filter(line => line.startsWith(name))
            return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
          },
          watchLiveness() {
            const stop = watchLiveness(url)
            background.push(stop)
            return stop
          },
        }
      })
      for (const stop of background) await Promise.resolve(stop()).catch(() => {})
    },
    { scope: 'file' },
  ],
  site: [async ({ open }, use) => use(await open()), { scope: 'file' }],
})

function watchLiveness(url: string) {
  const stopped = new AbortController()
  let beats = 0
  let missed = 0
  async function beat() {
    for (; !stopped.signal.aborted; beats++) {
      const { status } = await fetch(`${url}/livez`, { signal: AbortSignal.timeout(deadline) })
      if (status !== 200) missed += 1
      await sleep(50)
    }
  }
  const beating = beat()
  beating.catch(() => {}) // the caller that stops it gets the rejection
  return async () => {
    stopped.abort()
    await beating
    return { beats, missed }
  }
}

const shedBy = (reason: string) => `taskspec_requests_shed_total{reason="${reason}"`
const allShed = 'taskspec_requests_shed_total{'
const listed = 'http_request_duration_seconds_count{operation="listTasks"'

/** The refusals that have a line of their own in the log. */
const logged = ({ process }: Site) => linesOf(process).filter(({ msg, status }) => msg === 'request' && status === 503).length

/** Waits until requests of many users all succeed again. */
function expectRecovery(url: string, requests: Request[]) {
  return eventually(async () => {
    const { sent, statuses } = await storm({ url, requests, connections: 20, seconds: 0.2, deadline })
    expect(statuses).toEqual({ 200: sent })
  })
}

test('with six times as many connections as slots the server sheds the excess, without a log line for each', { timeout }, async ({
  site,
}) => {
  const { url, requests, metric, watchLiveness } = site
  const before = { shed: await metric(allShed), logged: logged(site) }
  const stop = watchLiveness()
  const { withoutRetryAfter, late, brokenAt, statuses } = await storm({ url, requests, connections: 1_500, seconds: 1.5, deadline })
  expect({ withoutRetryAfter, late, brokenAt, ...(await stop()) }).toEqual({
    ...{ withoutRetryAfter: 0, late: 0, brokenAt: [] },
    ...{ beats: expect.toSatisfy(n => n > 0), missed: 0 },
  })
  expect(Object.keys(statuses)).toEqual(['200', '503'])
  const shed = (await metric(allShed)) - before.shed
  expect(shed).toBeGreaterThan(0)
  await eventually(() => expect(logged(site) - before.logged).toBe((statuses[503] as number) - shed))
  await expectRecovery(url, requests)
})

test('while the database is blocked, requests beyond the slots are shed within the deadline', { timeout }, async ({ site, service }) => {
  const { url, requests, metric, process, watchLiveness } = site
  const before = { queue: await metric(shedBy('queue')), shed: await metric(allShed), logged: logged(site) }
  const lock = await service.sql.reserve()
  await lock`begin`
  await lock`lock table tasks in access exclusive mode`
  const stop = watchLiveness()
  const sending = new AbortController()
  const load = storm({ url, requests, connections: 1_500, signal: sending.signal, deadline })
  try {
    await eventually(async () => expect(await metric(shedBy('queue'))).toBeGreaterThan(before.queue))
  } finally {
    sending.abort()
    await lock`rollback`
    lock.release()
    await load
  }
  const { sent, statuses, withoutRetryAfter, brokenAt, late } = await load
  expect({ withoutRetryAfter, brokenAt, late, ...(await stop()) }).toMatchObject({ withoutRetryAfter: 0, brokenAt: [], late: 0, missed: 0 })
  expect((statuses[200] ?? 0) + (statuses[503] ?? 0)).toBe(sent)

  // A shed request has no line of its own; one line sums them up.
  await eventually(() => expect(linesOf(process)).toContainEqual(expect.objectContaining({ msg: 'overload' })))
  const refusals = (statuses[503] as number) - ((await metric(allShed)) - before.shed)
  await eventually(() => expect(logged(site) - before.logged).toBe(refusals))
  await expectRecovery(url, requests)
})

test('while its own work makes the process late, only health is answered, and everything is afterwards', { timeout }, async ({ open }) => {
  // From the first SIGUSR2 to the second each turn of the event loop takes 350 ms of CPU time.
  const cpu = '(process.threadCpuUsage().user+process.threadCpuUsage().system)'
  const busy = `let on=false;const turn=()=>{for(const end=${cpu}+350e3;${cpu}<end;);if(on)setTimeout(turn,5)}`
  const flag = `data:text/javascript,${busy};process.on("SIGUSR2",()=>{on=!on;if(on)turn()})`
  const { url, process, metric, watchLiveness } = await open('--import', flag)
  const ann = client(url, await tokenOf('waiting'))
  await ann.listTasks()
  process.child.kill('SIGUSR2')
  const stop = watchLiveness()
  await eventually(() => ann.listTasks({}, 503))
  await ann.getReadiness()
  process.child.kill('SIGUSR2')
  await eventually(() => ann.listTasks())
  expect(await metric(shedBy('delay'))).toBeGreaterThan(0)
  expect((await stop()).missed).toBe(0)
})

test('after a stop of more than a second, the process answers the requests that arrived meanwhile', { timeout }, async ({ site }) => {
  const { url, process, requests, metric } = site
  const shed = await metric(allShed)
  const answered = await metric(listed)
  const sending = new AbortController()
  const before = storm({ url, requests, connections: 100, signal: sending.signal, deadline })
  await eventually(async () => expect((await metric(listed)) - answered).toBeGreaterThan(100))
  process.child.kill('SIGSTOP')
  const meanwhile = storm({ url, requests, connections: 100, perSecond: 200, seconds: 0.5, deadline })
  await sleep(1_500)
  sending.abort()
  process.child.kill('SIGCONT')
  for (const { sent, statuses, brokenAt, late } of await Promise.all([before, meanwhile])) {
    expect({ brokenAt, late }).toEqual({ brokenAt: [], late: 0 })
    expect((statuses[200] ?? 0) + (statuses[503] ?? 0)).toBe(sent)
  }
  expect((await meanwhile).statuses[200]).toBeGreaterThan(0)
  expect(await metric(allShed)).toBe(shed)
  await expectRecovery(url, requests)
})

test('at 20 requests a second beside busy processes and stops of 0.8 s, no request is refused', { timeout }, async ({
  site: { url, process, requests, metric },
  onTestFinished,
}) => {
  const shed = await metric(allShed)
  // First it opens its connections to the database, which can take a busy machine longer than a request waits.
  await expectRecovery(url, requests)
  const replies: Promise<number>[] = []
  let answered = 0
  async function ask({ method, path, headers }: Request) {
    const { status } = await fetch(url + path, { method, headers, signal: AbortSignal.timeout(deadline) })
    answered += 1
    return status
  }
  const timer = setInterval(() => replies.push(ask(requests[replies.length % requests.length] as Request)), 50)
  onTestFinished(() => clearInterval(timer))
  onTestFinished(async () => void (await Promise.allSettled(replies)))
  /** Waits for so many more replies. */
  const more = (count: number, from = answered) => eventually(() => expect(answered).toBeGreaterThanOrEqual(from + count))

  const neighbours = [1, 2].map(() => spawn(globalThis.process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }))
  onTestFinished(() => neighbours.forEach(each => void each.kill('SIGKILL')))
  await more(30)
  await Promise.all(neighbours.map(end))
  for (let stop = 0; stop < 2; stop++) {
    process.child.kill('SIGSTOP')
    await sleep(800)
    process.child.kill('SIGCONT')
    await more(15)
  }
  clearInterval(timer)
  expect(new Set(await Promise.all(replies))).toEqual(new Set([200]))
  expect(await metric(allShed)).toBe(shed)
})

async function end(child: ChildProcess) {
  child.kill('SIGKILL')
  await once(child, 'exit')
}
