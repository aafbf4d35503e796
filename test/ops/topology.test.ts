// The whole of src/ops/compose.yaml under load, while one part after the other is killed as src/ops/README.md tells a newcomer to.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, inject } from 'vitest'
import { crowd, expectPromises, tally } from '../faults/crowd.ts'
import { needs } from '../support/checks.ts'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { poolerAndProxy } from '../support/programs.ts'
import { tokenOf } from '../support/taskspec.ts'
import { blocks, manual } from './manual.ts'
import { type Part, test } from './topology.ts'

const { pgbouncer, haproxy } = inject('programs')
const hasBoth = pgbouncer !== null && haproxy !== null
const together = needs(hasBoth, poolerAndProxy)
const curl = (process.env.PATH ?? '').split(delimiter).some(folder => existsSync(join(folder, 'curl')))
const withCurl = needs(hasBoth && curl, hasBoth ? 'curl' : poolerAndProxy)
const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const userCount = 8

test('killed part by part it answers with success or 503, and loses nothing', together, async ({ topology }) => {
  const steps = stepsOf('Kill each part')
  const { url, metrics, databaseUrl, parts } = topology
  expect([...new Set(steps.map(({ part }) => part))].sort()).toEqual(
    Object.keys(parts)
      .filter(part => part !== 'proxy')
      .sort(),
  )
  const all = await crowd(url, userCount, { behind: true })
  /** Waits until the requests of the users succeed again. */
  const well = async () => {
    const from = all.calls.length
    await eventually(() =>
      expect(tally(all.calls.slice(from))).toMatchObject({
        200: expect.toSatisfy(n => n > 2 * userCount),
        201: expect.toSatisfy(n => n > userCount),
      }),
    )
  }
  await well()

  for (const { verb, part } of steps) {
    const from = all.calls.length
    await (parts[part] as Part)[verb]()
    if (verb === 'kill' && (part === 'pooler' || part === 'database'))
      await eventually(() => expect(tally(all.calls.slice(from))[503]).toBeGreaterThan(0))
    else await well()
    // One of two replicas is enough. Only a request in flight to the killed one may fail, which is at most one per user.
    if (part.startsWith('server')) expect(tally(all.calls.slice(from))[503] ?? 0, `${verb} ${part}`).toBeLessThanOrEqual(userCount)
  }
  await expectPromises(await all.leave(), databaseUrl, 10_000)

  const watched = [...new Set(manual.match(/\b(taskspec_database|nodejs|http_request)_\w+/g))]
  expect(watched.length).toBeGreaterThan(1)
  for (const page of metrics) {
    const text = await (await fetch(page)).text()
    expect(text).toMatch(/http_request_duration_seconds_count\{operation="listTasks",status="200"\} \d/)
    expect(watched.filter(name => !text.includes(`\n${name}`))).toEqual([])
  }
})

test('the proxy keeps the contract: the longest query, the address of the client, and its own 503', {
  ...together,
}, async ({ topology }) => {
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
  await eventually(() => ann.getUser())
})

test(
  'the first request is answered as the manual shows it, and the doctor finds no error',
  withCurl,
  async ({ topology, onTestFinished }) => {
    const directory = await mkdtemp(join(tmpdir(), 'taskspec-manual-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    // Stands in for `docker compose exec -T server-1`.
    await writeFile(
      join(directory, 'docker'),
      '#!/bin/sh\n[ "$1 $2 $3 $4" = "compose exec -T server-1" ] || exit 1\nshift 4\nexec "$@"\n',
      {
        mode: 0o755,
      },
    )
    const [block] = blocks('A first request')
    const { stdout } = await run('sh', ['-e', '-c', (block as string).replaceAll('http://127.0.0.1:8080', topology.url)], {
      cwd: root,
      env: { ...topology.environment, PATH: `${directory}:${process.env.PATH}` },
    })
    expect(stdout).toMatch(/^HTTP\/1\.1 201 Created/)
    expect(stdout).toMatch(/^ok {2}role +can't change the schema$/m)
    expect(stdout).not.toContain('!!')
  },
)

/** The commands of that chapter, each as a verb and a part. */
function stepsOf(chapter: string) {
  const lines = blocks(chapter).at(-1)?.trim().split('\n') as string[]
  return lines.map(line => {
    const [, verb, part] = /^docker compose (kill|start|restart) ([\w-]+)$/.exec(line) ?? []
    expect(verb, line).toBeDefined()
    return { verb: verb as 'kill' | 'start' | 'restart', part: part as string }
  })
}
