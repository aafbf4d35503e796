// The live events of the client, against the real server and against one with scripted replies.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { createClient, ProblemError, unwrap } from '../../src/client/index.ts'
import { start, test, tokenOf } from '../support/taskspec.ts'

const data = (revision: number, kinds: string[]) => `id: ${revision}\nevent: revision\ndata: ${JSON.stringify({ revision, kinds })}\n\n`

type Script = ((response: ServerResponse) => void)[]

/** Replies to each request as the script says, and to all further ones with its last entry. */
async function scripted(script: Script) {
  const requests: IncomingHttpHeaders[] = []
  const server = createServer((request, response) => {
    requests.push(request.headers)
    script[Math.min(requests.length, script.length) - 1]?.(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

const stream = (text: string) => (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text)
const cut = (response: ServerResponse) => response.destroy()

test('events are those of the server, until the loop is left', async ({ service }) => {
  const api = createClient({ baseUrl: `${service.url}/`, token: await tokenOf('live') })
  const task = unwrap(await api.createTask({ body: { title: 'Pack' } }))
  const seen: [number, string[]][] = []
  for await (const { revision, kinds } of api.events()) {
    seen.push([revision, kinds])
    if (seen.length === 1) await api.deleteTask({ path: { taskId: task.id } })
    else break
  }
  expect(seen).toEqual([
    [task.revision, []],
    [task.revision + 1, ['task']],
  ])
  for await (const { kinds } of api.events({ since: task.revision })) {
    expect(kinds).toEqual(['task'])
    break
  }
})

test('another connection goes on after the last event, with a new token, and repeats no event', async () => {
  const server = await scripted([
    stream(`retry:1\n\n${data(7, [])}`),
    cut,
    stream(`:\n\n${data(7, [])}:\n\n${data(9, ['task'])}`),
    response => response.writeHead(503, { 'content-type': 'application/problem+json' }).end('{}'),
    stream(data(9, []).slice(0, 20)),
    stream(`${data(9, [])}${data(12, ['user', 'task'])}`),
  ])
  let tokens = 0
  const api = createClient({ baseUrl: server.url, token: () => `token-${tokens++}`, maxWait: 1 })
  const revisions: number[] = []
  for await (const { revision } of api.events()) {
    revisions.push(revision)
    if (revision === 12) break
  }
  expect(revisions).toEqual([7, 9, 12])
  expect(server.requests.map(headers => headers['last-event-id'])).toEqual([undefined, '7', '7', '9', '9', '9'])
  expect(server.requests.map(({ authorization }) => authorization)).toEqual([0, 1, 2, 3, 4, 5].map(each => `Bearer token-${each}`))
})

test('a refusal that would come again is thrown', async ({ service }) => {
  const error = await createClient({ baseUrl: service.url, token: 'x' })
    .events()
    .next()
    .catch(caught => caught)
  expect(error).toBeInstanceOf(ProblemError)
  expect(error.problem).toMatchObject({ status: 401, type: '/problems/unauthenticated' })
  const other = await scripted([response => response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>')])
  await expect(createClient({ baseUrl: other.url }).events().next()).rejects.toThrow('events got 404 from something that is not Taskspec')
  const lost = createClient({ baseUrl: service.url, token: () => Promise.reject(new Error('signed out')) })
  await expect(lost.events().next()).rejects.toThrow('signed out')
})

test('the signal ends the events, also while the client waits', async ({ service }) => {
  const token = await tokenOf('leaver')
  const controller = new AbortController()
  const events = createClient({ baseUrl: service.url, token }).events({ signal: controller.signal })
  expect((await events.next()).value).toEqual({ revision: 0, kinds: [] })
  const next = events.next()
  controller.abort()
  expect(await next).toMatchObject({ done: true })

  const { url } = await scripted([cut])
  const waiting = new AbortController()
  const first = createClient({ baseUrl: url, maxWait: 3_600_000 }).events({ signal: waiting.signal }).next()
  waiting.abort()
  expect(await first).toMatchObject({ done: true })
})

test('a server that stops and comes back loses no change', async ({ service }) => {
  const token = await tokenOf('stayer')
  const first = await start({ databaseUrl: service.databaseUrl })
  const api = createClient({ baseUrl: first.url, token, maxWait: 20 })
  const events = api.events()
  expect((await events.next()).value).toMatchObject({ revision: 0 })
  const next = events.next()
  await first.stop()
  const task = unwrap(await createClient({ baseUrl: service.url, token }).createTask({ body: { title: 'Pack' } }))
  const again = await start({ databaseUrl: service.databaseUrl, port: Number(new URL(first.url).port) })
  onTestFinished(again.stop)
  expect((await next).value).toMatchObject({ revision: task.revision })
  await events.return()
})
