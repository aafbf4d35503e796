// Streams of live events when something fails: no stream misses a change, and none costs another request its place.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import postgres from 'postgres'
import { describe, expect, inject, type TestContext } from 'vitest'
import { needs } from '../support/checks.ts'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { type Listener, listen } from '../support/events.ts'
import { startPooler } from '../support/pooler.ts'
import { listening, run } from '../support/process.ts'
import { poolerAndProxy } from '../support/programs.ts'
import { createDatabase, tokenOf } from '../support/taskspec.ts'
import { test } from './cluster.ts'

const often = { pollMs: 20, databaseFactor: 10 }

/** Waits until a stream has told a revision, or a later one. */
const told = (stream: Listener, revision: number) =>
  eventually(() => expect(stream.events.at(-1)?.revision).toBeGreaterThanOrEqual(revision))

test('while the database is away streams stay open, and every change is told afterwards', async ({ cluster, serve }) => {
  const server = await serve({ timeouts: { pollMs: 20 } })
  const users = await Promise.all(['away-1', 'away-2'].map(async id => ({ id, token: await tokenOf(id) })))
  const streams = await Promise.all(users.map(({ token }) => listen(server.url, token)))
  for (const stream of streams) await stream.next()
  await cluster.stop()
  await eventually(() => expect(server.log.filter(({ msg }) => msg === 'events failed')).toHaveLength(1))
  expect(await listen(server.url, users[0]?.token as string).then(({ response }) => response.status)).toBe(503)
  await cluster.start()
  // As another process would.
  const sql = postgres(cluster.databaseUrl, { max: 1 })
  for (const { id } of users) await sql`insert into users (id, revision, profile_revision) values (${id}, 7, 7)`
  await sql.end()
  for (const stream of streams) await told(stream, 7)
  for (const stream of streams) stream.close()
})

test('a frozen database delays events and loses none', async ({ cluster, serve }) => {
  const { url } = await serve({ timeouts: { pollMs: 20 } })
  const token = await tokenOf('frozen')
  const stream = await listen(url, token)
  await stream.next()
  await cluster.freeze()
  const change = client(url, token).send('PATCH', '/v1/users/me', {
    ...{ body: '{"name":"x"}', headers: { 'content-type': 'application/json' } },
  })
  await change
  cluster.thaw()
  const { body } = await eventually(() => client(url, token).updateUser({ body: { name: 'y' } }))
  await told(stream, body.revision)
  stream.close()
})

test(
  'behind a pooler in transaction mode a change of another process is told',
  needs(inject('programs').pgbouncer !== null, poolerAndProxy),
  async ({ cluster, serve, onTestFinished }) => {
    const sql = postgres(cluster.databaseUrl, { max: 1 })
    await sql.unsafe(`alter role "${new URL(cluster.databaseUrl).username}" set statement_timeout = '1500ms'`)
    await sql.end()
    const pooler = await startPooler(cluster.databaseUrl, onTestFinished, { default_pool_size: 3 })
    const [writer, reader] = await Promise.all([1, 2].map(() => serve({ databaseUrl: pooler.url, pooler: true, timeouts: often })))
    const token = await tokenOf('pooled-live')
    const stream = await listen(reader?.url as string, token)
    await stream.next()
    const { body } = await client(writer?.url as string, token).createTask({ body: { title: 'a' } })
    await told(stream, body.revision)
    stream.close()
  },
)

test('a server that is killed misses no change for a client that comes back with its last event', async ({ onTestFinished }) => {
  const database = await createDatabase()
  onTestFinished(database.drop)
  const settings = { DATABASE_URL: database.url, NODE_ENV: 'production', RATE_LIMIT_PER_MINUTE: '0' }
  const server = run(settings, { atEnd: onTestFinished })
  const url = await listening(server)
  const token = await tokenOf('survivor')
  await client(url, token).createTask({ body: { title: 'a' } })
  const stream = await listen(url, token)
  const { id } = await stream.next()
  server.child.kill('SIGKILL')
  await server.ended
  await expect(stream.ended).rejects.toThrow()
  const again = run(settings, { atEnd: onTestFinished })
  const next = await listening(again)
  const { body } = await client(next, token).createCategory({ body: { name: 'b' } })
  const second = await listen(next, token, { 'last-event-id': id })
  expect(await second.next()).toMatchObject({ revision: body.revision, kinds: ['category'] })

  again.child.kill('SIGTERM')
  await second.ended
  expect(second.text()).toMatch(/\n\nretry: \d{4,5}\n\n$/)
  expect(await again.ended).toBe(0)
})

test('at shutdown each stream ends cleanly, with another time to come back for each client', async ({ serve }) => {
  const { url, stop, log } = await serve()
  const token = await tokenOf('leaving')
  const streams = await Promise.all(Array.from({ length: 10 }, () => listen(url, token)))
  for (const stream of streams) await stream.next()
  await stop()
  for (const stream of streams) await stream.ended
  const times = streams.map(stream => Number(/retry: (\d+)\n\n$/.exec(stream.text())?.[1]))
  for (const time of times) expect(time).toSatisfy(ms => ms >= 1_000 && ms <= 10_000)
  expect(new Set(times).size).toBeGreaterThan(1)
  const lines = log.filter(({ operation }) => operation === 'streamEvents')
  expect(lines).toHaveLength(10)
  for (const line of lines) expect(line).not.toHaveProperty('outcome')
})

test('a stream ends with its token, and another token opens the next one', async ({ serve }) => {
  const { url } = await serve()
  // A token is accepted for 5 s more than it says. A busy machine may be too late for it.
  const stream = await eventually(async () => {
    const attempt = await listen(url, await tokenOf('brief', {}, -2))
    expect(attempt.response.status).toBe(200)
    return attempt
  })
  await stream.next()
  await stream.ended
  expect(stream.events).toHaveLength(1)
  const next = await listen(url, await tokenOf('brief'))
  await next.next()
  next.close()
})

describe('idle streams', () => {
  const count = 300
  const users = Array.from({ length: count / 10 }, (_, index) => `crowd-of-streams-${index}`)
  const openAll = async (url: string) => {
    const streams = await Promise.all(
      Array.from({ length: count }, async (_, index) => listen(url, await tokenOf(users[index % users.length] as string))),
    )
    for (const stream of streams) await stream.next()
    return streams
  }

  test('shed no request, and end when an account is erased while it is watched', async ({ serve }) => {
    const { url, metricsUrl } = await serve({ maxInFlight: 5, metricsPort: 0, timeouts: often }) // fewer than there are streams
    const streams: Listener[] = []
    for (const [index] of Array.from({ length: 30 }).entries()) {
      const stream = await listen(url, await tokenOf(users[index] as string))
      await stream.next()
      streams.push(stream)
    }
    const metrics = async () => (await fetch(metricsUrl as string)).text()
    expect(await metrics()).toContain('taskspec_event_streams 30\n')
    expect(await metrics()).toContain('taskspec_events_sent_total 30\n')
    expect(await metrics()).toContain('taskspec_requests_in_flight 0\n')
    const ann = client(url, await tokenOf(users[0] as string))
    const { body } = await ann.createTask({ body: { title: 'a' } })
    await told(streams[0] as Listener, body.revision)
    await ann.deleteUser()
    await eventually(() => expect(streams[0]?.events.at(-1)).toMatchObject({ revision: 0, kinds: expect.arrayContaining(['task']) }))
    for (const stream of streams) stream.close()
    await eventually(async () => expect(await metrics()).toContain('taskspec_event_streams 0\n'))
    expect(await metrics()).toContain('taskspec_event_streams_dropped_total 0\n')
  })

  test('some hundreds are told of one change each', async ({ serve }) => {
    const { url } = await serve({ timeouts: often })
    const streams = await openAll(url)
    const revisions = await Promise.all(
      users.map(async id => (await client(url, await tokenOf(id)).createTask({ body: { title: 'a' } })).body.revision),
    )
    for (const [index, stream] of streams.entries()) await told(stream, revisions[index % users.length] as number)
    for (const stream of streams) stream.close()
  })

  test('beyond the limit of the process the next one is 503 with Retry-After', async ({ serve }) => {
    const { url } = await serve({ maxEventStreams: 2 })
    const token = await tokenOf('limited')
    const streams = await Promise.all([1, 2].map(() => listen(url, token)))
    const { headers } = await client(url, token).streamEvents({}, 503)
    expect(headers.get('retry-after')).toBe('10')
    streams[0]?.close()
    await eventually(() => client(url, token).streamEvents())
    streams[1]?.close()
  })

  test('beyond the limit of an account the next one is 429', async ({ serve }) => {
    const { url } = await serve()
    const token = await tokenOf('many')
    const streams = await Promise.all(Array.from({ length: 20 }, () => listen(url, token)))
    const { body } = await client(url, token).streamEvents({}, 429)
    expect(body.detail).toContain('20 streams')
    for (const stream of streams) stream.close()
  })
})

test('clients that never read cost others nothing, and leave nothing behind', async ({ serve, onTestFinished }) => {
  const { url, metricsUrl } = await serve({ metricsPort: 0, maxInFlight: 50, timeouts: often })
  const tokens = await Promise.all(Array.from({ length: 20 }, (_, index) => tokenOf(`deaf-${index}`)))
  const [token] = tokens as [string]
  const sockets: Socket[] = []
  for (const each of tokens) sockets.push(...(await Promise.all(Array.from({ length: 15 }, () => neverReading(url, each, onTestFinished)))))
  const reader = await listen(url, token)
  for (let round = 0; round < 20; round++) {
    const { body } = await client(url, token).createTask({ body: { title: 'a' } })
    await told(reader, body.revision)
  }
  const metrics = async () => (await fetch(metricsUrl as string)).text()
  expect(await metrics()).toContain('taskspec_event_streams 301\n')
  for (const socket of sockets) socket.destroy()
  await eventually(async () => expect(await metrics()).toContain('taskspec_event_streams 1\n'))
  reader.close()
})

/** A connection whose client stops reading with the first bytes of the reply. */
async function neverReading(url: string, token: string, atEnd: TestContext['onTestFinished']): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  atEnd(() => void socket.destroy())
  socket.on('error', () => {})
  socket.write(`GET /v1/users/me/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  await once(socket, 'data')
  socket.pause()
  return socket
}
