// Clients that hold connections instead of using them. Each server has one short timeout, which no other request meets.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect } from 'vitest'
import { client } from '../support/client.ts'
import { test as base, start, tokenOf } from '../support/taskspec.ts'
import { expectRefused, open, replies, statuses, warnings } from './talk.ts'

const host = 'Host: x\r\n'

type Hasty = (timeouts: Parameters<typeof start>[0]['timeouts']) => ReturnType<typeof start>
/** `hasty`: starts a server with timeouts of its own, which stops after the test. */
const test = base.extend<{ $test: { hasty: Hasty } }>({
  hasty: async ({ service }, use) => {
    const servers: Awaited<ReturnType<typeof start>>[] = []
    await use(async timeouts => {
      const server = await start({
        databaseUrl: service.databaseUrl,
        timeouts: { checkMs: 50, lingerMs: 60_000, databaseFactor: 10, ...timeouts },
      })
      servers.push(server)
      return server
    })
    for (const { stop, log } of servers) {
      await stop()
      expect(warnings(log)).toEqual([])
    }
  },
})

/** Sends a piece now and again, from the start or after the reply, until the server closes the connection. Returns all that it sent. */
async function drip(url: string, first: string, piece: string, { afterReply = false } = {}): Promise<string> {
  const { socket, ended, received } = open(url)
  socket.write(first)
  if (afterReply) await Promise.race([once(socket, 'data'), ended])
  const before = received().length
  // Right after reading, and not once the server has refused: a write after its close would lose the refusal.
  const write = () => socket.writable && received().length === before && socket.write(piece)
  const timer = setInterval(() => setImmediate(write), 100)
  const text = await ended
  clearInterval(timer)
  return text
}

describe.concurrent('a timeout', () => {
  test('cuts off headers that never end, and others are served meanwhile', async ({ hasty }) => {
    const { url, log } = await hasty({ headersMs: 3_000 })
    const ann = client(url, await tokenOf('ann'))
    await ann.getUser()
    const slow = Array.from({ length: 50 }, (_, i) => drip(url, `GET /livez HTTP/1.1\r\n${host}`, `X-${i}: b\r\n`))
    await ann.createTask({ body: { title: 'a' } })
    for (const text of await Promise.all(slow)) expectRefused(replies(text), 408, 'request-timeout', log)
  })

  test('cuts off a request line that arrives letter by letter', async ({ hasty }) => {
    const { url, log } = await hasty({ headersMs: 2_000 })
    const [method, target] = await Promise.all([drip(url, 'GEE', 'E'), drip(url, 'GET /', 'a')])
    expectRefused(replies(method), 400, 'malformed-request', log)
    expectRefused(replies(target), 408, 'request-timeout', log)
  })

  test('cuts off a body that never ends', async ({ hasty }) => {
    const { url, log } = await hasty({ headersMs: 2_000, requestMs: 2_000 })
    const head = `POST /v1/users/me/tasks HTTP/1.1\r\n${host}Authorization: Bearer ${await tokenOf('ann')}\r\nContent-Type: application/json\r\n`
    const declared = drip(url, `${head}Content-Length: 1000\r\n\r\n`, ' ')
    const inChunks = drip(url, `${head}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n')
    for (const text of await Promise.all([declared, inChunks])) expectRefused(replies(text), 408, 'request-timeout', log)
  })

  test('cuts off a body that goes on after the reply, without another reply', async ({ hasty }) => {
    const { url } = await hasty({ headersMs: 2_000, requestMs: 2_000, idleMs: 2_000 })
    const head = `POST /v1/users/me/tasks HTTP/1.1\r\n${host}`
    const preflight = `OPTIONS /livez HTTP/1.1\r\n${host}Origin: http://localhost\r\nAccess-Control-Request-Method: GET\r\n`
    const all = await Promise.all([
      drip(url, `${head}Content-Length: 1000\r\n\r\n`, ' ', { afterReply: true }),
      drip(url, `${head}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n', { afterReply: true }),
      drip(url, `${head}Transfer-Encoding: chunked\r\n\r\n`, 'zz\r\n', { afterReply: true }),
      drip(url, `${preflight}Content-Length: 1000\r\n\r\n`, ' ', { afterReply: true }),
    ])
    expect(statuses(all.flatMap(replies))).toEqual([401, 401, 401, 204])
  })

  test('drops a body whose rest arrives after the refusal', async ({ hasty }) => {
    const { url, log } = await hasty({ headersMs: 2_000, requestMs: 2_000 })
    const { socket, ended } = open(url)
    const head = `POST /v1/users/me/tasks HTTP/1.1\r\n${host}Authorization: Bearer ${await tokenOf('late')}\r\nContent-Type: application/json\r\n`
    socket.write(`${head}Content-Length: 13\r\n\r\n{"title":`)
    await Promise.race([once(socket, 'data'), ended])
    socket.write('"a"}')
    expectRefused(replies(await ended), 408, 'request-timeout', log)
    // Another connection of a server without the short timeout, on the same database.
    const { url: lenient } = await hasty({})
    expect((await client(lenient, await tokenOf('late')).listTasks()).body.items).toEqual([])
  })

  test('closes a connection without a request, without a reply', async ({ hasty }) => {
    const { url, log } = await hasty({ headersMs: 2_000 })
    expect(await open(url).ended).toBe('')
    expect(log).toEqual([])
  })

  test('closes a connection without a further request', async ({ hasty }) => {
    const { url } = await hasty({ keepAliveMs: 200 })
    const { socket, ended } = open(url)
    socket.write(`GET /livez HTTP/1.1\r\n${host}\r\n`)
    expect(statuses(replies(await ended))).toEqual([200])
  })

  test('closes the connection of a client that does not read its replies', async ({ hasty, service }) => {
    const idleMs = 500
    const { url } = await hasty({ idleMs })
    const count = 40
    const { socket, ended, received } = open(url)
    const { headers } = await fetch(`${service.url}/docs/swagger-ui-bundle.js`, { method: 'HEAD' })
    socket.pause()
    socket.write(`GET /docs/swagger-ui-bundle.js HTTP/1.1\r\n${host}\r\n`.repeat(count))
    await sleep(4 * idleMs) // the server runs in this process, so a delay of one delays the other
    socket.resume()
    await ended
    expect(received().length).toBeLessThan(count * Number(headers.get('content-length')))
  })
})

test('ten thousand idle connections keep no request from being served', async ({ hasty, skip, onTestFinished }) => {
  const many = 10_000
  const limit = (process.report.getReport() as unknown as { userLimits?: { open_files?: { soft: number | string } } }).userLimits
  skip(Number(limit?.open_files?.soft ?? 0) < many + 1_000, `a limit of ${many + 1_000} open files a process (ulimit -n)`)

  // Opening them can take a slow machine longer than the default timeouts.
  const server = await hasty({ headersMs: 120_000, requestMs: 120_000, idleMs: 120_000, keepAliveMs: 120_000 })
  const child = spawn(process.execPath, [fileURLToPath(new URL('idle.ts', import.meta.url)), server.url, `${many}`])
  onTestFinished(() => void child.kill('SIGKILL'))
  const closed = once(child, 'close')
  const errors: string[] = []
  child.stderr.on('data', text => errors.push(String(text)))
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), closed])
  expect([line, errors]).toEqual([`${many} open`, []])

  const ann = client(server.url, await tokenOf('waiting'))
  await ann.createTask({ body: { title: 'a' } })
  expect((await ann.listTasks()).body.items).toHaveLength(1)
  await ann.getLiveness()

  child.stdin.end()
  await closed
  await ann.listTasks()
})
