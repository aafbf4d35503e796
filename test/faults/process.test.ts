// The program under load: how an operator stops it, and how it survives a lack of memory or a worker that stalls.
import { describe, expect } from 'vitest'
import { open, replies } from '../abuse/talk.ts'
import { storm } from '../bench/storm.ts'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { linesOf, listening, run, started } from '../support/process.ts'
import { test, tokenOf } from '../support/taskspec.ts'
import { tally } from './crowd.ts'

const settings = { NODE_ENV: 'production', RATE_LIMIT_PER_MINUTE: '0' }
const deadline = 60_000 // ms
const lingerMs = 200 // how long a stopping server reads from idle connections

/** Typical requests: three reads for each write. */
async function typicalRequests(count: number) {
  const tokens = await Promise.all(Array.from({ length: count }, (_, i) => tokenOf(`typical-${i}`)))
  const path = '/v1/users/me/tasks'
  return tokens.map((token, i) => {
    const headers = { Authorization: `Bearer ${token}` }
    const body = JSON.stringify({ title: 'a' })
    const write = { method: 'POST' as const, path, headers: { ...headers, 'Content-Type': 'application/json' }, body }
    return i % 4 === 0 ? write : { method: 'GET' as const, path, headers }
  })
}

describe.concurrent('at SIGTERM under load', () => {
  test.for([1, 2])(
    '%i processes answer every request on every connection, and end with 0',
    async (workers, { service, onTestFinished }) => {
      const env = { ...settings, DATABASE_URL: service.databaseUrl, WEB_CONCURRENCY: String(workers) }
      const process = run(env, { atEnd: onTestFinished })
      const url = await listening(process)
      const count = workers === 1 ? 1 : 3
      await eventually(() => expect(linesOf(process).filter(({ msg }) => msg === 'listening')).toHaveLength(count))
      const sending = new AbortController()
      const requests = await typicalRequests(40)
      // First it opens its connections to the database, which can take a busy machine longer than a request waits.
      await storm({ url, requests, connections: 10, seconds: 0.2, deadline })
      const load = storm({ url, requests, connections: 10, signal: sending.signal, deadline })
      onTestFinished(() => {
        sending.abort()
        return load.then(() => {})
      })
      await eventually(() => expect(linesOf(process).filter(({ msg }) => msg === 'request').length).toBeGreaterThan(200))
      const killed = performance.now()
      process.child.kill('SIGTERM')
      expect(await process.ended).toBe(0)
      sending.abort()
      const { sent, statuses, brokenAt, late } = await load

      // A client that was held up for longer than the server reads may find its connection closed.
      expect({ late, broken: brokenAt.filter(at => at < killed + lingerMs) }).toEqual({ late: 0, broken: [] })
      expect(Object.keys(statuses)).toEqual(['200', '201'])
      expect(sent).toBeGreaterThan(200)
      expect(linesOf(process).filter(({ msg }) => msg === 'stopped')).toHaveLength(count)
      await expect(fetch(url)).rejects.toThrow()
    },
  )
})

describe.concurrent('a worker or a process in trouble', () => {
  const greedy = `data:text/javascript,process.on("SIGUSR2",()=>{for(const all=[];;)all.push(Array(1e5).fill(all.length+.5))})`

  test('a worker without memory is replaced while the other one serves, and one that stalls does not hold up the shutdown', async ({
    service,
    onTestFinished,
  }) => {
    const env = { ...settings, DATABASE_URL: service.databaseUrl, WEB_CONCURRENCY: '2' }
    const process = run(env, { flags: ['--max-old-space-size=100', '--import', greedy], atEnd: onTestFinished })
    const url = await listening(process)
    await eventually(() => expect(started(process)).toHaveLength(2))
    const [first] = started(process) as [number]
    globalThis.process.kill(first, 'SIGUSR2')
    await eventually(() => expect(linesOf(process)).toContainEqual(expect.objectContaining({ msg: 'worker died', worker: first })))
    const ann = client(url, await tokenOf('survivor'))
    await ann.listTasks()
    await eventually(() => expect(started(process)).toHaveLength(3))
    for (let i = 0; i < 10; i++) await ann.createTask({ body: { title: 'a' } })

    globalThis.process.kill(started(process)[1] as number, 'SIGSTOP')
    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(0)
  })

  test('a process with a small heap sheds a third of a flood of large bodies and survives', async ({ service, onTestFinished }) => {
    const env = { ...settings, DATABASE_URL: service.databaseUrl, METRICS_PORT: '0' }
    const process = run(env, { flags: ['--max-old-space-size=64'], atEnd: onTestFinished })
    const url = await listening(process)
    const { metrics } = linesOf(process).find(({ msg }) => msg === 'listening') as { metrics: string }
    const body = JSON.stringify({ title: 'a', description: 'x'.repeat(1_000_000) })
    const authorization = `Authorization: Bearer ${await tokenOf('flood')}\r\nContent-Type: application/json`
    const head = `POST /v1/users/me/tasks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${authorization}\r\nContent-Length: ${body.length}\r\n\r\n`
    const senders = Array.from({ length: 100 }, () => open(url))
    for (const { socket } of senders) socket.write(head + body.slice(0, -1))
    // 64 MiB are 67 of these bodies.
    const shed = /^taskspec_requests_shed_total\{reason="bodies"\} 33$/m
    await eventually(async () => expect(await (await fetch(metrics)).text()).toMatch(shed))
    for (const { socket } of senders) if (socket.writable) socket.write(body.slice(-1))
    const all = (await Promise.all(senders.map(({ ended }) => ended))).flatMap(replies)
    expect(tally(all)).toEqual({ 422: 67, 503: 33 })
    await eventually(async () => client(url, await tokenOf('after')).createTask({ body: { title: 'a' } }))
    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(0)
  })
})
