// Every reply that is due is sent before a connection ends (RFC 9112, sections 9.3 and 9.6), whatever arrives behind its request.
import { once } from 'node:events'
import { afterEach, describe, expect, onTestFinished } from 'vitest'
import type { Upload } from '../../src/contract/types.ts'
import { noDatabase, sizeOf, smallApi } from '../support/small-api.ts'
import { test as base, type Service, start, tokenOf } from '../support/taskspec.ts'
import { open, type Reply, replies, statuses, warnings } from './talk.ts'

const host = 'Host: x\r\n'
const get = (target: string, headers = '') => `GET ${target} HTTP/1.1\r\n${host}${headers}\r\n`
const close = 'Connection: close\r\n'

type Patient = Pick<Service, 'url' | 'log'>
/** `patient`: a server that waits for its clients, as slow as the machine may be. It has the database of `service`. */
const test = base.extend<{ $file: { patient: Patient } }>({
  patient: [
    async ({ service }, use) => {
      const server = await start({ databaseUrl: service.databaseUrl, timeouts: { lingerMs: 60_000, databaseFactor: 10 } })
      await use(server)
      await server.stop()
    },
    { scope: 'file' },
  ],
})

afterEach<{ patient: Patient }>(({ patient }) => {
  expect(warnings(patient.log)).toEqual([])
})

/** `post(length, body, headers)` is a request of a user that is new in each test. `send` returns all replies. */
async function writer(service: { url: string }, id: string) {
  const token = `Authorization: Bearer ${await tokenOf(id)}\r\n`
  const head = `POST /v1/users/me/tasks HTTP/1.1\r\n${host}${token}Content-Type: application/json\r\n`
  return {
    token,
    post: (length: number, body: string, headers = '') => `${head}${headers}Content-Length: ${length}\r\n\r\n${body}`,
    chunked: (body: string) => `${head}Transfer-Encoding: chunked\r\n\r\n${body}`,
    async send(bytes: string, { half = false } = {}): Promise<Reply[]> {
      const { socket, ended } = open(service.url)
      socket.write(bytes)
      if (half) socket.end()
      return replies(await ended)
    },
  }
}

const task = '{"title":"a"}' // 13 bytes
const kinds = (all: Reply[]) =>
  all.map(({ status, body }) => [status, body.includes('/problems/') ? JSON.parse(body).type.slice('/problems/'.length) : 'ok'])
const refusal = [400, 'malformed-request']

describe('a Content-Length that is too small', () => {
  for (const half of [false, true])
    test(`gets the reply to the body that it declares, and another to the rest${half ? ', on a half-closed connection' : ''}`, async ({
      as,
      patient,
    }) => {
      const ann = await as('ann')
      const { post, send } = await writer(patient, ann.id)
      expect(kinds(await send(post(13, '{"title":"é"}'), { half }))).toEqual([[400, 'malformed-json'], refusal])
      expect((await ann.listTasks()).body.items).toEqual([])
      for (const rest of ['}', ' }', '\0', 'zz\r\n\r\n', '}'.repeat(100_000)])
        expect([rest.slice(0, 9), kinds(await send(post(13, `${task}${rest}`), { half }))]).toEqual([
          rest.slice(0, 9),
          [[201, 'ok'], refusal],
        ])
      expect((await ann.listTasks()).body.items).toHaveLength(5)
    })

  test('and a rest that looks like a request gets the reply to that request', async ({ as, patient }) => {
    const { post, send } = await writer(patient, (await as('ann')).id)
    expect(statuses(await send(post(13, `${task}${get('/nowhere', close)}`)))).toEqual([201, 404])
    expect(kinds(await send(post(13, `${task}GIVE /livez HTTP/1.1\r\n\r\n`)))).toEqual([
      [201, 'ok'],
      [501, 'not-implemented'],
    ])
  })
})

test('a Content-Length that is too large is a malformed request at the end of the connection', async ({ as, patient }) => {
  const ann = await as('ann')
  const { post, send } = await writer(patient, ann.id)
  expect(kinds(await send(post(14, task), { half: true }))).toEqual([refusal])
  expect((await ann.listTasks()).body.items).toEqual([])
})

describe('pipelined requests', () => {
  test('get their replies in order before the refusal of what is behind them', async ({ as, patient }) => {
    const ann = await as('ann')
    const { post, send, token } = await writer(patient, ann.id)
    const list = get('/v1/users/me/tasks', token)
    const all = await send(`${post(13, task)}${get('/nowhere')}${list}${get('/livez')}nonsense\r\n\r\n`)
    expect(kinds(all)).toEqual([[201, 'ok'], [404, 'not-found'], [200, 'ok'], [200, 'ok'], refusal])
    expect((await ann.listTasks()).body.items).toHaveLength(1)
  })

  test('get their replies before the refusal of a body that is malformed', async ({ as, patient }) => {
    const ann = await as('ann')
    const { post, chunked, send } = await writer(patient, ann.id)
    expect(kinds(await send(`${post(13, task)}${chunked('zz\r\n')}`))).toEqual([[201, 'ok'], refusal])
    expect(kinds(await send(`${post(13, task)}${chunked(`d\r\n${task}zz`)}`))).toEqual([[201, 'ok'], refusal])
    expect(kinds(await send(`${post(13, task)}${post(99, task)}`, { half: true }))).toEqual([[201, 'ok'], refusal])
    expect((await ann.listTasks()).body.items).toHaveLength(3)
  })

  test('behind a refused one are not carried out', async ({ as, patient }) => {
    const ann = await as('ann')
    const { post, send } = await writer(patient, ann.id)
    const refused = 'GET /livez HTTP/1.1\r\n\r\n' // has no Host
    expect(kinds(await send(`${get('/livez')}${refused}${post(13, task)}${get('/livez')}`))).toEqual([[200, 'ok'], refusal])
    expect((await ann.listTasks()).body.items).toEqual([])
  })

  test('behind a body that is not read are not carried out', async ({ as, patient }) => {
    const ann = await as('ann')
    const { post, chunked } = await writer(patient, ann.id)
    const { socket, ended } = open(patient.url)
    socket.allowHalfOpen = true
    socket.write(chunked('').replace('Bearer', 'Basic'))
    await once(socket, 'end')
    socket.end(`2\r\n{}\r\n0\r\n\r\n${post(13, task)}`)
    expect(kinds(replies(await ended))).toEqual([[401, 'unauthenticated']])
    expect((await ann.listTasks()).body.items).toEqual([])
  })
})

describe('Connection: close', () => {
  test('ends the connection behind its reply, and nothing behind it is carried out or refused', async ({ as, patient }) => {
    const ann = await as('ann')
    const { post, send } = await writer(patient, ann.id)
    for (const rest of ['', '}', post(13, task), 'x'.repeat(500_000)]) {
      const all = await send(`${get('/livez')}${post(13, task, close)}${rest}`)
      expect(all.map(({ status, headers }) => [status, headers.get('connection')])).toEqual([
        [200, 'keep-alive'],
        [201, 'close'],
      ])
    }
    expect((await ann.listTasks()).body.items).toHaveLength(4)
  })

  test('of HTTP/1.0 too', async ({ patient }) => {
    const { socket, ended } = open(patient.url)
    socket.write(`GET /livez HTTP/1.0\r\n\r\n${'x'.repeat(500_000)}`)
    expect(statuses(replies(await ended))).toEqual([200])
  })

  test('closes only one side until the client closes the other', async ({ patient }) => {
    const { socket, received } = open(patient.url)
    socket.allowHalfOpen = true
    socket.write(get('/livez', close))
    await once(socket, 'end')
    expect(statuses(replies(received()))).toEqual([200])
    for (let i = 0; i < 3; i++)
      await new Promise<void>((resolve, reject) => socket.write('x', error => (error ? reject(error) : resolve())))
    socket.end()
    await once(socket, 'close')
    expect(socket.errored).toBe(null)
  })
})

describe('a client that closes its side', () => {
  test('gets the replies to all of its requests', async ({ as, patient }) => {
    const { post, send, token } = await writer(patient, (await as('ann')).id)
    expect(statuses(await send(`${post(13, task)}${get('/v1/users/me/tasks', token)}${get('/livez')}`, { half: true }))).toEqual([
      201, 200, 200,
    ])
    expect(statuses(await send(get('/livez'), { half: true }))).toEqual([200])
    expect(await send('', { half: true })).toEqual([])
  })
})

describe('at shutdown', () => {
  test.for([
    ['which were answered before', get('/livez').repeat(2)],
    ['which are answered later', post(1).repeat(2)],
  ])('every request that was read gets its reply, also those behind a slow one %s', async ([, behind]) => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const { promise: reading, resolve: read } = Promise.withResolvers<void>()
    const upload = async (body: Upload) => {
      read()
      await released
      return { status: 200, body: await sizeOf(body) }
    }
    const server = await start({ databaseUrl: noDatabase, api: smallApi({ upload }), timeouts: { drainMs: 60_000 } })
    let stopped: Promise<void> | undefined
    onTestFinished(() => stopped ?? server.stop())
    const { socket, ended } = open(server.url)
    socket.write(post(1) + behind)
    await reading
    stopped = server.stop()
    release()
    expect(statuses(replies(await ended))).toEqual([200, 200, 200])
    await stopped
  })

  function post(length: number) {
    return `POST /upload HTTP/1.1\r\n${host}Content-Type: text/csv\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`
  }
})
