// Who holds connections instead of using them.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { client } from '../support/client.ts'
import { test as base, start, tokenOf } from '../support/taskspec.ts'
import { expectRefused, mistakes, open, replies, statuses } from './talk.ts'

const host = 'Host: x\r\n'

/** A server that waits no longer than a test can. */
const test = base.extend<{ $file: { hasty: Awaited<ReturnType<typeof start>> } }>({
  hasty: [
    async ({ service }, use) => {
      const server = await start({
        databaseUrl: service.databaseUrl,
        timeouts: { headersMs: 400, requestMs: 800, idleMs: 2_000, keepAliveMs: 200, checkMs: 50 },
      })
      await use(server)
      await server.stop()
      expect(mistakes(server.log)).toEqual([])
    },
    { scope: 'file' },
  ],
})

/** Sends a piece now and again until the server hangs up, and answers with all that it said. */
async function drip(url: string, first: string, piece: string): Promise<string> {
  const { socket, ended } = open(url)
  socket.write(first)
  const timer = setInterval(() => socket.writable && socket.write(piece), 60)
  const text = await ended
  clearInterval(timer)
  return text
}

test('headers that never end are cut off, and others are served meanwhile', async ({ hasty }) => {
  const slow = Array.from({ length: 50 }, (_, i) => drip(hasty.url, `GET /livez HTTP/1.1\r\n${host}`, `X-${i}: b\r\n`))
  await client(hasty.url, await tokenOf('ann')).createTask({ body: { title: 'a' } })
  for (const text of await Promise.all(slow)) expectRefused(replies(text), 408, 'request-timeout', hasty.log)
})

test('a request line of one letter now and then is cut off', async ({ hasty }) => {
  expectRefused(replies(await drip(hasty.url, 'G', 'E')), 400, 'malformed-request', hasty.log)
  expectRefused(replies(await drip(hasty.url, 'GET /', 'a')), 408, 'request-timeout', hasty.log)
})

test('a body that never ends is cut off', async ({ hasty }) => {
  const head = `POST /v1/users/me/tasks HTTP/1.1\r\n${host}Authorization: Bearer ${await tokenOf('ann')}\r\nContent-Type: application/json\r\n`
  const declared = drip(hasty.url, `${head}Content-Length: 1000\r\n\r\n`, ' ')
  const inChunks = drip(hasty.url, `${head}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n')
  for (const text of [await declared, await inChunks]) expectRefused(replies(text), 408, 'request-timeout', hasty.log)
})

test('a body whose rest comes when it was given up changes nothing', async ({ hasty }) => {
  const late = client(hasty.url, await tokenOf('late'))
  const { socket, ended } = open(hasty.url)
  const head = `POST /v1/users/me/tasks HTTP/1.1\r\n${host}Authorization: Bearer ${await tokenOf('late')}\r\nContent-Type: application/json\r\n`
  socket.write(`${head}Content-Length: 13\r\n\r\n{"title":`)
  await Promise.race([once(socket, 'data'), ended])
  socket.write('"a"}')
  expectRefused(replies(await ended), 408, 'request-timeout', hasty.log)
  expect((await late.listTasks()).body.items).toEqual([])
})

test('a body that goes on after the reply is cut off, without another reply', async ({ hasty }) => {
  const head = `POST /v1/users/me/tasks HTTP/1.1\r\n${host}`
  const declared = drip(hasty.url, `${head}Content-Length: 1000\r\n\r\n`, ' ')
  const inChunks = drip(hasty.url, `${head}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n')
  const broken = drip(hasty.url, `${head}Transfer-Encoding: chunked\r\n\r\n`, 'zz\r\n')
  const preflight = `OPTIONS /livez HTTP/1.1\r\n${host}Origin: http://localhost\r\nAccess-Control-Request-Method: GET\r\n`
  const asked = drip(hasty.url, `${preflight}Content-Length: 1000\r\n\r\n`, ' ')
  expect(statuses([await declared, await inChunks, await broken, await asked].flatMap(replies))).toEqual([401, 401, 401, 204])
})

test('a connection that says nothing is closed without a word', async ({ hasty }) => {
  const before = hasty.log.length
  expect(await open(hasty.url).ended).toBe('')
  expect(hasty.log.slice(before)).toEqual([])
})

test('a connection that says nothing more is closed', async ({ hasty }) => {
  const { socket, ended } = open(hasty.url)
  socket.write(`GET /livez HTTP/1.1\r\n${host}\r\n`)
  expect(statuses(replies(await ended))).toEqual([200])
})

test('who doesn’t read their replies loses them', async ({ hasty }) => {
  const asked = 40
  const { socket, ended, received } = open(hasty.url)
  socket.pause()
  socket.write(`GET /docs/swagger-ui-bundle.js HTTP/1.1\r\n${host}\r\n`.repeat(asked))
  const { headers } = await fetch(`${hasty.url}/docs/swagger-ui-bundle.js`, { method: 'HEAD' })
  await sleep(5_000) // more than twice as long as the server waits
  socket.resume()
  await ended
  expect(received().length).toBeLessThan(asked * Number(headers.get('content-length')))
})

test('ten thousand connections that do nothing keep nobody else from being served', async ({ as, service, skip }) => {
  const many = 10_000
  const limit = (process.report.getReport() as unknown as { userLimits?: { open_files?: { soft: number | string } } }).userLimits
  skip(Number(limit?.open_files?.soft ?? 0) < many + 1_000, `a limit of ${many + 1_000} open files a process (ulimit -n)`)

  const child = spawn(process.execPath, [fileURLToPath(new URL('idle.ts', import.meta.url)), service.url, `${many}`])
  const errors: string[] = []
  child.stderr.on('data', text => errors.push(String(text)))
  const [line] = await once(createInterface(child.stdout), 'line').catch(() => [])
  expect([line, errors]).toEqual([`${many} open`, []])

  const ann = await as('ann')
  await ann.createTask({ body: { title: 'a' } })
  expect((await ann.listTasks()).body.items).toHaveLength(1)
  expect((await fetch(`${service.url}/livez`)).status).toBe(200)

  child.stdin.end()
  await once(child, 'close')
  await ann.listTasks()
  expect(mistakes(service.log)).toEqual([])
})
