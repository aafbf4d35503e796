// The whole of src/ops/compose.yaml under load, while one part after the other is killed as src/ops/README.md tells a newcomer to.
import { readFile } from 'node:fs/promises'
import { expect, inject, vi } from 'vitest'
import { client } from '../client.ts'
import { crowd, expectKept, slowest, tally } from '../faults/crowd.ts'
import { tokenOf } from '../taskspec.ts'
import { type Part, test } from './topology.ts'

const { pgbouncer, haproxy } = inject('programs')
const together = test.skipIf(pgbouncer === null || haproxy === null)
const people = 8

together('killed part by part it answers with success or 503, and loses nothing', { timeout: 120_000 }, async ({ topology }) => {
  const steps = await stepsOf('Kill each part')
  const { url, metrics, databaseUrl, parts } = topology
  expect([...new Set(steps.map(({ part }) => part))].sort()).toEqual(
    Object.keys(parts)
      .filter(part => part !== 'proxy')
      .sort(),
  )
  const all = await crowd(url, people)
  /** Everybody is answered again. */
  const well = async () => {
    const from = all.calls.length
    await vi.waitFor(
      () =>
        expect(tally(all.calls.slice(from))).toMatchObject({
          200: expect.toSatisfy(n => n > 2 * people),
          201: expect.toSatisfy(n => n > people),
        }),
      15_000,
    )
  }
  await well()

  for (const { verb, part } of steps) {
    const from = all.calls.length
    await (parts[part] as Part)[verb]()
    if (verb === 'kill' && (part === 'pooler' || part === 'database'))
      await vi.waitFor(() => expect(tally(all.calls.slice(from))[503]).toBeGreaterThan(0), 10_000)
    else await well()
    // Of two replicas one is enough: only who was just writing through the dead one can't be told what came of it.
    if (part.startsWith('server')) expect(tally(all.calls.slice(from))[503] ?? 0, `${verb} ${part}`).toBeLessThanOrEqual(people)
  }
  const { calls, wrong } = await all.leave()

  expect(wrong).toEqual([])
  expect(Object.keys(tally(calls)).filter(status => !['200', '201', '503'].includes(status))).toEqual([])
  expect(slowest(calls)).toBeLessThan(10_000)
  await expectKept(databaseUrl, calls)
  for (const page of metrics)
    expect(await (await fetch(page)).text()).toMatch(/http_request_duration_seconds_count\{operation="listTasks",status="200"\} \d/)
})

together(
  'the proxy keeps the contract: the longest query, the address of who asks, and its own 503',
  { timeout: 60_000 },
  async ({ topology }) => {
    const { url, parts } = topology
    const ann = client(url, await tokenOf('proxied'))
    const label = Array.from({ length: 50 }, (_, i) => `${String(i).padStart(2, '0')}${'\u{1f9ed}'.repeat(48)}`)
    expect((await ann.listTasks({ query: { label } })).body.items).toEqual([])

    const stranger = async (address: string) => {
      const { headers } = await client(url, undefined).send('GET', '/v1/users/me', { headers: { 'x-forwarded-for': address } })
      return Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1])
    }
    const left = await stranger('192.0.2.1')
    expect(await stranger('192.0.2.2')).toBe(left - 1)

    await parts['server-1']?.kill()
    await parts['server-2']?.kill()
    const { body, headers } = await ann.getUser({ headers: {} }, 503)
    expect(body).toMatchObject({ type: '/problems/unavailable', status: 503, instance: '/v1/users/me' })
    expect(body.requestId).toBe(headers.get('x-request-id'))
    expect(headers.get('retry-after')).toBe('1')
    await parts['server-2']?.start()
    await vi.waitFor(() => ann.getUser(), 10_000)
  },
)

/** The commands of that chapter, as what they do. */
async function stepsOf(chapter: string) {
  const text = await readFile(new URL('../../src/ops/README.md', import.meta.url), 'utf8')
  const [, block] = new RegExp(`^## ${chapter}$[^]*?^\`\`\`sh\n([^]*?)^\`\`\``, 'm').exec(text) ?? []
  return (block as string)
    .trim()
    .split('\n')
    .map(line => {
      const [, verb, part] = /^docker compose (kill|start|restart) ([\w-]+)$/.exec(line) ?? []
      expect(verb, line).toBeDefined()
      return { verb: verb as keyof Part, part: part as string }
    })
}
