// The program under load as an operator ends it, and as it ends by itself: for want of memory, or because it stands still.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, vi } from 'vitest'
import { storm } from '../bench/storm.ts'
import { client } from '../support/client.ts'
import { linesOf, listening, run, started } from '../support/process.ts'
import { test, tokenOf } from '../support/taskspec.ts'

const settings = { NODE_ENV: 'production', RATE_LIMIT_PER_MINUTE: '0' }
const deadline = 15_000 // ms

/** What people do: mostly they read. */
async function daily(count: number) {
  const people = await Promise.all(Array.from({ length: count }, (_, i) => tokenOf(`daily-${i}`)))
  const path = '/v1/users/me/tasks'
  return people.flatMap((token, i) => {
    const headers = { Authorization: `Bearer ${token}` }
    const body = JSON.stringify({ title: 'a' })
    const write = { method: 'POST' as const, path, headers: { ...headers, 'Content-Type': 'application/json' }, body }
    return [i % 4 === 0 ? write : { method: 'GET' as const, path, headers }]
  })
}

describe('at SIGTERM under load', () => {
  // A client that the machine holds up for longer than its connection stays finds it closed.
  test.for([1, 2])('%i processes answer every request on every connection, and end with 0', { retry: 2 }, async (workers, { service }) => {
    const process = run({ ...settings, DATABASE_URL: service.databaseUrl, WEB_CONCURRENCY: String(workers) })
    const url = await listening(process)
    await vi.waitFor(() => expect(linesOf(process).filter(({ msg }) => msg === 'listening')).toHaveLength(workers === 1 ? 1 : 3), deadline)
    const load = storm({ url, requests: await daily(40), connections: 60, seconds: 2, deadline })
    await sleep(1_000)
    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(0)
    const { sent, statuses, broken, late } = await load

    expect({ broken, late }).toEqual({ broken: 0, late: 0 })
    expect(Object.keys(statuses)).toEqual(['200', '201'])
    expect(sent).toBeGreaterThan(60)
    expect(linesOf(process).filter(({ msg }) => msg === 'stopped')).toHaveLength(workers === 1 ? 1 : 3)
    await expect(fetch(url)).rejects.toThrow()
  })

  test('a worker that stands still holds up the end for seconds and not for ever', async ({ service }) => {
    const process = run({ ...settings, DATABASE_URL: service.databaseUrl, WEB_CONCURRENCY: '2' })
    await vi.waitFor(() => expect(started(process)).toHaveLength(2), deadline)
    await vi.waitFor(() => expect(linesOf(process).filter(({ msg }) => msg === 'listening')).toHaveLength(3), deadline)
    globalThis.process.kill(started(process)[0] as number, 'SIGSTOP')
    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(0)
  })
})

describe('for want of memory', () => {
  const greedy = `data:text/javascript,process.on("SIGUSR2",()=>{for(const all=[];;)all.push(Array(1e5).fill(all.length+.5))})`

  test('a worker dies, is replaced, and nobody else suffers', async ({ service }) => {
    const own = { ...settings, DATABASE_URL: service.databaseUrl, WEB_CONCURRENCY: '2' }
    const process = run(own, { flags: ['--max-old-space-size=100', '--import', greedy] })
    const url = await listening(process)
    await vi.waitFor(() => expect(started(process)).toHaveLength(2), deadline)
    const [first] = started(process) as [number]
    globalThis.process.kill(first, 'SIGUSR2')
    await vi.waitFor(
      () => expect(linesOf(process)).toContainEqual(expect.objectContaining({ msg: 'worker died', worker: first })),
      deadline,
    )
    const ann = client(url, await tokenOf('survivor'))
    await ann.listTasks()
    await vi.waitFor(() => expect(started(process)).toHaveLength(3), deadline)
    for (let i = 0; i < 10; i++) await ann.createTask({ body: { title: 'a' } })
    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(0)
  })

  test('a process with a small heap sends most of a flood of large bodies away, and lives', async ({ service }) => {
    const process = run({ ...settings, DATABASE_URL: service.databaseUrl }, { flags: ['--max-old-space-size=64'] })
    const url = await listening(process)
    const headers = { Authorization: `Bearer ${await tokenOf('flood')}`, 'Content-Type': 'application/json' }
    const body = JSON.stringify({ title: 'a', description: 'x'.repeat(1_000_000) })
    const requests = [{ method: 'POST' as const, path: '/v1/users/me/tasks', headers, body }]
    const { statuses, broken, late, unspoken } = await storm({ url, requests, connections: 200, seconds: 2, deadline })
    expect({ broken, late, unspoken }).toEqual({ broken: 0, late: 0, unspoken: 0 })
    expect(Object.keys(statuses)).toEqual(['422', '503'])
    await client(url, await tokenOf('after')).createTask({ body: { title: 'a' } })
    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(0)
  })
})
