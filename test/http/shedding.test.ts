// Load shedding over HTTP: which requests are shed, which are not, and the effects that clients and operators see.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect } from 'vitest'
import type { AuthConfig } from '../../src/config/auth.ts'
import { json } from '../faults/crowd.ts'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { createKeyServer, signer } from '../support/keyserver.ts'
import { auth, test as base, start, tokenOf } from '../support/taskspec.ts'

type Site = Awaited<ReturnType<typeof start>> & { metric: (name: string) => Promise<number> }
const test = base.extend<{ $test: { open: (maxInFlight: number, auth?: AuthConfig) => Promise<Site> } }>({
  open: [
    async ({ service }, use) => {
      const ends: (() => unknown)[] = []
      await use(async (maxInFlight, trusted) => {
        const server = await start({ databaseUrl: service.databaseUrl, auth: trusted ?? auth, maxInFlight, metricsPort: 0 })
        ends.push(server.stop)
        return {
          ...server,
          async metric(name: string) {
            const text = await (await fetch(server.metricsUrl as string)).text()
            const line = text.split('\n').find(line => line.startsWith(`${name} `))
            return Number(line?.split(' ')[1] ?? 0)
          },
        }
      })
      for (const end of ends) await end()
    },
    { scope: 'test' },
  ],
})

/** Sends the head of a request with a body of so many bytes, and collects the replies. */
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

test('without a free slot a request is shed before it is processed, and health is answered', async ({ open }) => {
  const { url, log, metric } = await open(0)
  const anonymous = client(url, 'no token at all')
  const { headers, body } = await anonymous.createTask({ body: { title: '' } }, 503)
  expect(headers.get('retry-after')).toBe('1')
  expect(headers.get('connection')).toBe('keep-alive')
  expect(body.detail).toBe('The server is overloaded. Try again shortly.')
  await anonymous.getDocs({}, 503)
  await anonymous.getLiveness()
  await anonymous.getReadiness()
  expect(await metric('taskspec_requests_shed_total{reason="queue"}')).toBe(2)
  expect(await metric('http_request_duration_seconds_count{operation="createTask",status="503"}')).toBe(1)
  const shed = () => log.flatMap(({ msg, shed }) => (msg === 'overload' ? [(shed as { queue: number }).queue] : []))
  await eventually(() => expect(shed().reduce((sum, count) => sum + count, 0)).toBe(2))
  expect(log.filter(({ operation, status }) => operation === 'getDocs' || status === 503)).toEqual([])
})

test('requests in flight take the slots, and give them back', async ({ open, service }) => {
  const { url } = await open(2)
  const lock = await service.sql.reserve()
  await lock`begin`
  await lock`lock table tasks in access exclusive mode`
  const ann = client(url, await tokenOf('occupant'))
  let occupying = true
  // A statement waits for the lock for 1.5 s at most. So each occupant sends its request again.
  const occupants = [1, 2].map(async () => {
    while (occupying) await ann.send('GET', '/v1/users/me/tasks')
  })
  try {
    // The token is wrong, so a request that found a slot would be a 401.
    await eventually(() => client(url, 'no token at all').createTask({ body: { title: '' } }, 503))
  } finally {
    occupying = false
    await lock`rollback`
    lock.release()
    await Promise.all(occupants)
  }
  await client(url, 'no token at all').createTask({ body: { title: '' } }, 401)
  await Promise.all([ann.listTasks(), ann.listTasks()])
})

test.for([
  ['no body', 'GET /docs HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a body', 'POST /v1/users/me/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{"title":"a"}'],
] as const)(
  'the next request on the connection of a shed one is read only when Retry-After is over: after %s',
  async ([, request], { open }) => {
    const { url } = await open(0)
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let reply = ''
    socket.on('data', chunk => {
      reply += chunk
    })
    const began = performance.now()
    socket.write(request)
    await eventually(() => expect(reply).toContain('HTTP/1.1 503'))
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
    await eventually(() => expect(reply).toContain('"alive"'))
    expect(performance.now() - began).toBeGreaterThan(990) // Retry-After is 1 s
    socket.destroy()
  },
)

test('a page of another origin can read the refusal', async ({ open }) => {
  const { url } = await open(0)
  const answer = await client(url, undefined, ['access-control-allow-origin', 'access-control-expose-headers', 'vary']).send('GET', '/docs')
  expect(answer.status).toBe(503)
  const { headers } = await fetch(`${url}/docs`, { headers: { origin: 'http://localhost:5173' } })
  expect(headers.get('access-control-allow-origin')).toBe('http://localhost:5173')
  expect(headers.get('access-control-expose-headers')).toContain('Retry-After')
})

test('slow senders take no slot, also when they disconnect', async ({ open, as }) => {
  const { url, metric } = await open(3)
  const ann = await as('ann')
  const token = await tokenOf(ann.id)
  const slow = [begin(url, token, 13), begin(url, token, 13), begin(url, token, 13)] as const
  await Promise.all(slow.map(({ socket }) => once(socket, 'connect')))
  const other = client(url, token)
  await eventually(() => Promise.all([other.listTasks(), other.listTasks(), other.listTasks()]))

  const [first, second, third] = slow
  first.socket.destroy()
  for (const { socket, reply } of [second, third]) {
    socket.write('{"title":"b"}')
    await eventually(() => expect(reply()).toContain('HTTP/1.1 201 Created'))
  }
  await eventually(async () => expect(await metric('taskspec_requests_in_flight')).toBe(0))
  for (const { socket } of slow) socket.destroy()
})

test('clients that disconnect during authentication leave no body bytes behind', async ({ open }) => {
  const { jwk, sign } = await signer('EdDSA')
  const keys = await createKeyServer(jwk)
  const asked = Promise.withResolvers<() => void>()
  keys.instead = (_, response) => asked.resolve(() => response.end(JSON.stringify({ keys: [jwk] })))
  const { url, log, metric } = await open(1000, { ...auth, secret: null, jwksUrl: keys.url, algorithms: ['EdDSA'] })
  try {
    const token = await sign()
    const senders = Array.from({ length: 64 }, () => begin(url, token, 1024 * 1024)) // all bytes that may arrive at the same time
    const answerKeys = await asked.promise
    await eventually(async () => expect(await metric('taskspec_requests_in_flight')).toBe(64))
    for (const { socket } of senders) socket.destroy()
    await client(url, token).getLiveness() // the server has read what happened before
    keys.instead = null
    answerKeys()

    await eventually(() => expect(log.filter(({ operation }) => operation === 'createTask')).toHaveLength(64))
    expect(await metric('taskspec_requests_in_flight')).toBe(0)
    await eventually(() => client(url, token).createTask({ body: { title: 'a' } }))
  } finally {
    await keys.stop()
  }
})

test('bodies of 64 MiB may arrive at the same time; further ones are shed, and reads go on', async ({ open, as }) => {
  const { url, metric } = await open(1000)
  const ann = await as('ann')
  const token = await tokenOf(ann.id)
  const large = 1024 * 1024
  const senders = Array.from({ length: 70 }, () => begin(url, token, large))
  const shed = () => metric('taskspec_requests_shed_total{reason="bodies"}')
  await eventually(async () => expect(await shed()).toBe(6))
  const me = client(url, token)
  await me.listTasks()
  await me.send('POST', '/v1/users/me/tasks', json({ title: 'a' })).then(({ status }) => expect(status).toBe(503))
  const isShed = ({ reply }: { reply: () => string }) => reply().startsWith('HTTP/1.1 503')
  await eventually(() => expect(senders.filter(isShed)).toHaveLength(6))
  const refused = senders.filter(isShed)
  for (const { reply } of refused) expect(reply()).toMatch(/\r\nRetry-After: 1\r\n/)

  // The connection of a shed request stays open: the server discards the rest of the body.
  const [again] = refused as [{ socket: Socket; reply: () => string }]
  again.socket.write(`${' '.repeat(large)}GET /livez HTTP/1.1\r\nHost: x\r\n\r\n`)
  await eventually(() => expect(again.reply()).toContain('{"status":"alive"}'))

  for (const { socket } of senders) socket.destroy()
  await eventually(() => me.createTask({ body: { title: 'a' } }))
})
