// More than can be done: who is sent away, who is not, and what is said about it.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, vi } from 'vitest'
import { json } from '../faults/crowd.ts'
import { client } from '../support/client.ts'
import { test as base, start, tokenOf } from '../support/taskspec.ts'

type Site = Awaited<ReturnType<typeof start>> & {
  /** Begins so many requests that don't end before `release`. */
  occupy: (count: number) => Promise<void>
  release: () => Promise<void>
  metric: (line: string) => Promise<number>
}
const test = base.extend<{ $test: { open: (maxInFlight: number) => Promise<Site> } }>({
  open: [
    async ({ service }, use) => {
      const ends: (() => unknown)[] = []
      await use(async maxInFlight => {
        const server = await start({ databaseUrl: service.databaseUrl, maxInFlight, metricsPort: 0 })
        const lock = await service.sql.reserve()
        const metric = async (name: string) => {
          const text = await (await fetch(server.metricsUrl as string)).text()
          return Number(
            text
              .split('\n')
              .find(line => line.startsWith(`${name} `))
              ?.split(' ')[1] ?? 0,
          )
        }
        const busy: Promise<unknown>[] = []
        ends.push(server.stop, () => lock.release())
        return {
          ...server,
          metric,
          async occupy(count) {
            await lock`begin`
            await lock`lock table tasks in access exclusive mode`
            const ann = client(server.url, await tokenOf('occupant'))
            busy.push(...Array.from({ length: count }, () => ann.send('GET', '/v1/users/me/tasks?limit=1')))
            await vi.waitFor(async () => expect(await metric('taskspec_requests_in_flight')).toBe(count), { interval: 5 })
          },
          async release() {
            await lock`rollback`
            await Promise.all(busy)
          },
        }
      })
      for (const end of ends) await end()
    },
    { scope: 'test' },
  ],
})

/** Sends the head of a request whose body is to have so many bytes, and hears the answers. */
function begin(url: string, token: string, length: number) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let reply = ''
  socket.on('data', chunk => {
    reply += chunk
  })
  socket.write(
    [
      ...['POST /v1/users/me/tasks HTTP/1.1', 'Host: x', `Authorization: Bearer ${token}`, 'Content-Type: application/json'],
      ...[`Content-Length: ${length}`, '', ''],
    ].join('\r\n'),
  )
  return { socket, reply: () => reply }
}

// A statement that waits for a lock does so for 1.5 s at the most, which a machine that stands still can miss.
test('who finds every place taken is sent away before anything is looked at', { retry: 2 }, async ({ open }) => {
  const { url, log, occupy, release, metric } = await open(2)
  await occupy(2)
  const nobody = client(url, 'no token at all')
  const { headers, body } = await nobody.createTask({ body: { title: '' } }, 503)
  expect(headers.get('retry-after')).toBe('1')
  expect(headers.get('connection')).toBe('keep-alive')
  expect(body.detail).toBe('The server has more to do than it can. Try again shortly.')
  await nobody.getDocs({}, 503)
  await nobody.getLiveness()
  expect(await metric('taskspec_requests_shed_total{reason="queue"}')).toBe(2)
  expect(await metric('http_request_duration_seconds_count{operation="createTask",status="503"}')).toBe(1)

  await release()
  await nobody.createTask({ body: { title: '' } }, 401)
  await nobody.getReadiness()
  await vi.waitFor(() => expect(log).toContainEqual(expect.objectContaining({ msg: 'overload', shed: { queue: 2 } })), 5_000)
  expect(log.filter(({ operation, status }) => operation === 'getDocs' || status === 503)).toEqual([])
})

test.for([
  ['nothing in it', 'GET /docs HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a body', 'POST /v1/users/me/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{"title":"a"}'],
] as const)(
  'who asks again on the same connection before the time is heard then: after a request with %s',
  async ([, request], { open }) => {
    const { url } = await open(0)
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let reply = ''
    socket.on('data', chunk => {
      reply += chunk
    })
    socket.write(request)
    await vi.waitFor(() => expect(reply).toContain('HTTP/1.1 503'), 5_000)
    const began = performance.now()
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
    await vi.waitFor(() => expect(reply).toContain('"alive"'), 5_000)
    expect(performance.now() - began).toBeGreaterThan(500)
    socket.destroy()
  },
)

test('a page of another origin is told as well', async ({ open }) => {
  const { url } = await open(0)
  const answer = await client(url, undefined, ['access-control-allow-origin', 'access-control-expose-headers', 'vary']).send('GET', '/docs')
  expect(answer.status).toBe(503)
  const { headers } = await fetch(`${url}/docs`, { headers: { origin: 'http://localhost:5173' } })
  expect(headers.get('access-control-allow-origin')).toBe('http://localhost:5173')
  expect(headers.get('access-control-expose-headers')).toContain('Retry-After')
})

test('who sends slowly takes the place of nobody, also when they go away', async ({ open, as }) => {
  const { url, metric } = await open(3)
  const ann = await as('ann')
  const token = await tokenOf(ann.id)
  const slow = [begin(url, token, 13), begin(url, token, 13), begin(url, token, 13)] as const
  await Promise.all(slow.map(({ socket }) => once(socket, 'connect')))
  const other = client(url, token)
  await vi.waitFor(() => Promise.all([other.listTasks(), other.listTasks(), other.listTasks()]), 5_000)

  const [first, second, third] = slow
  first.socket.destroy()
  for (const { socket, reply } of [second, third]) {
    socket.write('{"title":"b"}')
    await vi.waitFor(() => expect(reply()).toContain('HTTP/1.1 201 Created'), 5_000)
  }
  await vi.waitFor(async () => expect(await metric('taskspec_requests_in_flight')).toBe(0))
  for (const { socket } of slow) socket.destroy()
})

test('bodies of 64 MiB may come at the same time; who wants to send more is sent away, and readers go on', async ({ open, as }) => {
  const { url, metric } = await open(1000)
  const ann = await as('ann')
  const token = await tokenOf(ann.id)
  const large = 1024 * 1024
  const senders = Array.from({ length: 70 }, () => begin(url, token, large))
  const shed = () => metric('taskspec_requests_shed_total{reason="bodies"}')
  await vi.waitFor(async () => expect(await shed()).toBe(6), 10_000)
  const me = client(url, token)
  await me.listTasks()
  await me.send('POST', '/v1/users/me/tasks', json({ title: 'a' })).then(({ status }) => expect(status).toBe(503))
  const refused = senders.filter(({ reply }) => reply().startsWith('HTTP/1.1 503'))
  expect(refused).toHaveLength(6)
  for (const { reply } of refused) expect(reply()).toMatch(/\r\nRetry-After: 1\r\n/)

  // One that was refused is still a connection: what comes of its body is let fall.
  const [again] = refused as [{ socket: Socket; reply: () => string }]
  again.socket.write(`${' '.repeat(large)}GET /livez HTTP/1.1\r\nHost: x\r\n\r\n`)
  await vi.waitFor(() => expect(again.reply()).toContain('{"status":"alive"}'), 10_000)

  for (const { socket } of senders) socket.destroy()
  await vi.waitFor(() => me.createTask({ body: { title: 'a' } }), 10_000)
})
