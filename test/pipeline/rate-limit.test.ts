// A caller above its budget gets 429 with Retry-After, and no other caller is affected.
import postgres from 'postgres'
import { describe, expect } from 'vitest'
import { type Client, client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { createDatabase, start, test, tokenOf } from '../support/taskspec.ts'

const tasks = '/v1/users/me/tasks'

test('each user has a budget of reads and one of writes', async ({ service, onTestFinished }) => {
  const { url, stop } = await start({ databaseUrl: service.databaseUrl, limits: { perMinute: 3, shared: false } })
  onTestFinished(stop)
  const [ann, bob] = [client(url, await tokenOf('ann')), client(url, await tokenOf('bob'))]

  const left = []
  for (let i = 0; i < 3; i++) left.push((await ann.createTask({ body: { title: 'a' } })).headers.get('ratelimit'))
  expect(left).toEqual([expect.stringMatching(/^"writes";r=2;t=\d+$/), expect.stringMatching(/r=1/), expect.stringMatching(/r=0/)])

  const { headers, body } = await ann.createTask({ body: { title: 'a' } }, 429)
  expect(headers.get('ratelimit-policy')).toBe('"writes";q=3;w=60')
  expect(headers.get('ratelimit')).toMatch(/^"writes";r=0;t=\d+$/)
  const wait = Number(headers.get('retry-after'))
  expect(wait).toBeGreaterThan(50)
  expect(wait).toBeLessThanOrEqual(60)
  expect(body).toMatchObject({ type: '/problems/too-many-requests', detail: expect.stringContaining('more than 3 writes') })

  const { headers: read, body: list } = await ann.listTasks()
  expect(read.get('ratelimit')).toMatch(/^"reads";r=2;/)
  expect(list.items).toHaveLength(3)
  await bob.createTask({ body: { title: 'b' } })
})

test('a refused request counts too', async ({ service, onTestFinished }) => {
  const { url, stop } = await start({ databaseUrl: service.databaseUrl, limits: { perMinute: 3, shared: false } })
  onTestFinished(stop)
  const ann = client(url, await tokenOf('ann'))
  const statuses = []
  for (const body of ['{}', '{', '{"title":"a"}', '{"title":"b"}'])
    statuses.push((await ann.send('POST', tasks, { headers: { 'content-type': 'application/json' }, body })).status)
  expect(statuses).toEqual([422, 400, 201, 429])
})

describe('an address without a valid token', () => {
  test('is refused above its budget, and a user with a token there is not', async ({ service, onTestFinished }) => {
    const { url, stop } = await start({ databaseUrl: service.databaseUrl, limits: { perMinute: 3, shared: false } })
    onTestFinished(stop)
    const forger = client(url, 'a.b.c')
    const statuses = []
    for (let i = 0; i < 5; i++) statuses.push((await forger.send('GET', tasks)).status)
    expect(statuses).toEqual([401, 401, 401, 429, 429])
    await client(url, await tokenOf('ann')).listTasks()
  })

  test.for([
    [0, '1.1.1.1', [401, 429, 429, 429]],
    [1, '1.1.1.1', [401, 401, 429, 429]],
    [1, '9.9.9.9, 1.1.1.1', [401, 401, 429, 429]],
    [['127.0.0.0/8'], '1.1.1.1', [401, 401, 429, 429]],
    [['10.0.0.0/8'], '1.1.1.1', [401, 429, 429, 429]],
    [1, '2001:db8:0:1::1', [401, 401, 429, 429]],
    [1, '1.1.1.1:50001', [401, 401, 429, 429]],
    [1, '[2001:db8:0:1::1]:50001', [401, 401, 429, 429]],
    [1, '"[2001:db8:0:1::1]:50001"', [401, 401, 429, 429]],
    [1, '64:ff9b::1.1.1.1', [401, 401, 429, 429]],
    // Both count for the proxy.
    [1, '_hidden', [401, 401, 429, 429]],
  ] as const)('comes from the trusted proxies: TRUST_PROXY=%s', async ([trustProxy, address, expected], { service, onTestFinished }) => {
    const { url, stop } = await start({ databaseUrl: service.databaseUrl, limits: { perMinute: 1, shared: false }, trustProxy })
    onTestFinished(stop)
    const ask = async (forwarded: string) =>
      (await client(url, undefined).send('GET', tasks, { headers: { 'x-forwarded-for': forwarded } })).status
    const neighbour = address.replace(':1::1', ':1:ffff::2').replace('50001', '50002')
    expect([await ask('2.2.2.2'), await ask(address), await ask(neighbour), await ask('2.2.2.2')]).toEqual(expected)
  })
})

describe('several processes with counters in the database', () => {
  test('count together, under a digest of the user id', async ({ onTestFinished }) => {
    const database = await createDatabase()
    const both = await Promise.all([1, 2].map(() => start({ databaseUrl: database.url, limits: { perMinute: 4, shared: true } })))
    const sql = postgres(database.url, { max: 1 })
    onTestFinished(async () => {
      await Promise.all(both.map(({ stop }) => stop()))
      await sql.end()
      await database.drop()
    })
    const [here, there] = await Promise.all(both.map(async ({ url }) => client(url, await tokenOf('ann'))))
    for (const each of [here, there, here, there]) await each?.listTasks()
    for (const each of [here, there]) await each?.listTasks({}, 429)
    await here?.createTask({ body: { title: 'a' } })

    const rows = await sql<{ key: string; points: number }[]>`select key, points from rate_limits order by key`
    expect(rows).toMatchObject([{ key: expect.stringMatching(/^reads:[\w-]{43}$/) }, { key: expect.stringMatching(/^writes:/), points: 1 }])
  })

  test('count alone while the database has no counters', async ({ onTestFinished }) => {
    const database = await createDatabase()
    const { url, stop } = await start({ databaseUrl: database.url, limits: { perMinute: 2, shared: true } })
    const sql = postgres(database.url, { max: 1 })
    onTestFinished(async () => {
      await stop()
      await sql.end()
      await database.drop()
    })
    await sql`alter table rate_limits rename to elsewhere`
    const ann = client(url, await tokenOf('ann'))
    await ann.listTasks()
    await ann.listTasks()
    await ann.listTasks({}, 429)
    await sql`alter table elsewhere rename to rate_limits`
    await eventually(() => ann.createTask({ body: { title: 'a' } }))
  })
})

describe.for([false, true])('a batch, with counters in the database: %s', shared => {
  const operations = (count: number) => Array.from({ length: count }, () => ({ operationId: 'createTask' as const, body: { title: 'a' } }))

  test('counts as its operations, and changes nothing if fewer are left', async ({ service, onTestFinished }) => {
    const limits = { perMinute: 6, shared }
    const servers = await Promise.all([1, 2].map(() => start({ databaseUrl: service.databaseUrl, limits })))
    onTestFinished(async () => void (await Promise.all(servers.map(({ stop }) => stop()))))
    const token = await tokenOf(`batch-${shared}`)
    const [here, there] = servers.map(({ url }) => client(url, token)) as [Client, Client]
    const next = shared ? there : here

    const { headers } = await here.runBatch({ body: { operations: operations(3) } })
    expect(headers.get('ratelimit')).toMatch(/^"writes";r=3;/)
    for (const atomic of [false, true]) {
      const { headers: left, body } = await next.runBatch({ body: { atomic, operations: operations(4) } }, 429)
      expect(body.detail).toMatch(/^The request counts as 4 writes, and [32] were left\. Try again in \d+ seconds\.$/)
      expect(Number(left.get('retry-after'))).toBeGreaterThan(0)
    }
    expect((await here.listTasks()).body.items).toHaveLength(3)
    const { headers: last } = await here.runBatch({ body: { operations: operations(1) } })
    expect(last.get('ratelimit')).toMatch(/^"writes";r=0;/)
    await next.createTask({ body: { title: 'a' } }, 429)
  })

  test('that no budget is large enough for says so', async ({ service, onTestFinished }) => {
    const { url, stop } = await start({ databaseUrl: service.databaseUrl, limits: { perMinute: 6, shared } })
    onTestFinished(stop)
    const ann = client(url, await tokenOf(`large-batch-${shared}`))
    const { body } = await ann.runBatch({ body: { operations: operations(7) } }, 429)
    expect(body.detail).toBe('The request counts as 7 writes, and a minute has 6. Send it in several requests.')
    await ann.runBatch({ body: { operations: operations(5) } })
  })
})
