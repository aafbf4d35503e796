// The traces that a collector receives over the wire.
import { createServer } from 'node:net'
import { describe, expect } from 'vitest'
import type { TracingConfig } from '../../src/config/tracing.ts'
import { client } from '../support/client.ts'
import { collector, type Span } from '../support/collector.ts'
import { document, exampleContent, operations } from '../support/spec.ts'
import { start, test, tokenOf } from '../support/taskspec.ts'

const tasks = '/v1/users/me/tasks'
const traceId = '0af7651916cd43dd8448eb211c80319c'
const caller = 'b7ad6b7169203331'
const traceparent = (sampled: boolean) => `00-${traceId}-${caller}-0${sampled ? 1 : 0}`

function to(url: string, more: Partial<TracingConfig> = {}): TracingConfig {
  return { url, headers: {}, resource: { 'service.name': 'taskspec' }, sampler: 'parentbased_always_on', ratio: 1, ...more }
}

const requestsOf = (spans: Span[]) => spans.filter(({ kind }) => kind === 'server')
const under = (spans: Span[], { spanId }: Span) => spans.filter(({ parent }) => parent === spanId)

describe('a request', () => {
  test('is a span in the trace of its caller, with the authentication and each statement below', async ({ service }) => {
    const { url, spans } = await collector()
    const server = await start({ databaseUrl: service.databaseUrl, tracing: to(url) })
    const before = Date.now()
    const headers = { 'content-type': 'application/json', traceparent: traceparent(true) }
    await service.sql`insert into users (id, revision, profile_revision) values ('ann', 1, 1)`
    const ann = client(server.url, await tokenOf('ann'))
    expect((await ann.send('POST', `${tasks}?`, { headers, body: '{"title":"a"}' })).status).toBe(201)
    await server.stop()

    const [request, ...others] = requestsOf(spans()) as [Span]
    expect(others).toEqual([])
    expect(request).toMatchObject({ traceId, parent: caller, name: 'createTask', failed: false })
    expect(request.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/v1/users/{userId}/tasks',
      'http.response.status_code': 201,
      'url.scheme': 'http',
    })
    const [authentication, statement, ...more] = under(spans(), request) as [Span, Span]
    expect(more).toEqual([])
    expect(authentication).toMatchObject({ traceId, kind: 'internal', name: 'authentication', attributes: {}, failed: false })
    expect(statement).toMatchObject({ traceId, kind: 'client', name: 'insert task', failed: false, events: ['sent'] })
    expect(statement.attributes).toEqual({
      'db.system.name': 'postgresql',
      'db.query.summary': 'insert task',
      'taskspec.operation': 'createTask',
    })
    const times = [before, request.began, authentication.began, authentication.ended, statement.began, statement.ended, request.ended]
    for (const [index, time] of times.slice(1).entries()) expect(time).toBeGreaterThanOrEqual((times[index] as number) - 2) // the clock has whole milliseconds

    const line = server.log.find(({ operation }) => operation === 'createTask')
    expect(line).toMatchObject({ traceId, spanId: request.spanId })
  })

  test('without a trace context begins a trace of its own', async ({ service }) => {
    const { url, spans } = await collector()
    const server = await start({ databaseUrl: service.databaseUrl, tracing: to(url) })
    const anonymous = client(server.url, undefined)
    await anonymous.getLiveness()
    await anonymous.send('GET', '/livez', { headers: { traceparent: `00-${traceId}-0000000000000000-01` } })
    await server.stop()
    expect(spans().map(({ name, parent }) => [name, parent])).toEqual([
      ['getLiveness', undefined],
      ['getLiveness', undefined],
    ])
    expect(new Set(spans().map(each => each.traceId)).size).toBe(2)
    expect(server.log.slice(0, 2).map(line => line.traceId)).toEqual(spans().map(each => each.traceId))
  })

  test('that fails has its error type, and only an error of the server gives the span the status of an error', async ({ service }) => {
    const { url, spans } = await collector()
    const broken = new URL(service.databaseUrl)
    broken.pathname = '/nowhere'
    const server = await start({ databaseUrl: broken.href, tracing: to(url) })
    const ann = client(server.url, await tokenOf('ann'))
    await client(server.url, 'a.b.c').listTasks({}, 401)
    await ann.send('PROPFIND', '/nowhere')
    await ann.listTasks({ path: { userId: 'bob' } }, 403)
    await ann.getUser({}, 503)
    await server.stop()

    const [refused, unknown, foreign, failed] = requestsOf(spans()) as [Span, Span, Span, Span]
    expect([refused.failed, unknown.failed, foreign.failed, failed.failed]).toEqual([false, false, false, true])
    expect(under(spans(), refused)).toMatchObject([{ failed: false, attributes: { 'error.type': 'ERR_JWS_INVALID' } }])
    expect(unknown).toMatchObject({ name: '_OTHER', attributes: { 'http.request.method': '_OTHER', 'http.response.status_code': 404 } })
    expect(unknown.attributes['http.route']).toBeUndefined()
    expect(failed.attributes).toMatchObject({ 'http.response.status_code': 503, 'error.type': '503' })
    expect(under(spans(), failed)).toMatchObject([
      { name: 'authentication', failed: false },
      { name: 'select user', failed: true, attributes: { 'error.type': '3D000' } },
    ])
  })

  test('has no user content in its spans', async ({ service }) => {
    const { url, spans, received } = await collector()
    const server = await start({ databaseUrl: service.databaseUrl, tracing: to(url) })
    const token = await tokenOf('person-of-interest', { email: 'person@example.com', name: 'Personal Name' })
    const ann = client(server.url, token)
    const { body: category } = await ann.createCategory({ body: { name: 'Category-Words' } })
    const { body: task } = await ann.createTask({ body: { title: 'Title-Words', labels: ['Label-Words'], categoryId: category.id } })
    const path = { taskId: task.id }
    await ann.getTask({ path })
    await ann.updateTask({ path, body: { description: 'Description-Words' } })
    await ann.listTasks({ query: { q: 'Search-Words', label: ['Label-Words'] } })
    await ann.createCategory({ body: { name: 'category-words' } }, 409)
    await ann.getUser()
    await ann.deleteTask({ path })
    await ann.deleteCategory({ path: { categoryId: category.id } })
    await ann.send('GET', '/Path-Words?Query-Words', {
      headers: { 'user-agent': 'Agent-Words', 'x-request-id': 'Request-Words', tracestate: 'x=State-Words' },
    })
    await ann.send('POST', tasks, { headers: { 'content-type': 'application/json' }, body: '{"title":"Broken-Words"' })
    await ann.deleteUser()
    await server.stop()

    expect(requestsOf(spans())).toHaveLength(12)
    const personal = ['person', 'Personal', token, category.id, task.id, '127.0.0.1']
    for (const part of personal) expect(received()).not.toContain(part)
    expect(received()).not.toMatch(/words/i)
  })
})

test('every span has the name of its operation or statement', async ({ service }) => {
  const { url, spans } = await collector()
  const server = await start({ databaseUrl: service.databaseUrl, tracing: to(url) })
  const ann = client(server.url, await tokenOf('ann'))
  for (const operation of operations) {
    const values = { userId: 'me', asset: 'docs.css' } as Record<string, string>
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name) => values[name] ?? '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12')
    expect((await ann.send(operation.method, path, exampleContent(operation))).status, operation.operationId).not.toBe(422)
  }
  await server.stop()

  const seen = requestsOf(spans()).map(({ name, attributes }) => `${attributes['http.request.method']} ${attributes['http.route']} ${name}`)
  expect(seen).toEqual(operations.map(({ operationId, path, method }) => `${method} ${path} ${operationId}`))
  const statements = spans().filter(({ kind }) => kind === 'client')
  expect(statements.length).toBeGreaterThan(10)
  for (const { name } of statements) expect(name).toMatch(/^[a-z]+( [a-z_]+)+$/)
})

describe('a statement that serves several callers', () => {
  test('is a span in the trace of each, with their number', async ({ service }) => {
    const { url, spans } = await collector()
    const server = await start({ databaseUrl: service.databaseUrl, poolSize: 1, tracing: to(url) })
    const ann = client(server.url, await tokenOf('several'))
    const { body: task } = await ann.createTask({ body: { title: 'a' } })
    await Promise.all(Array.from({ length: 60 }, () => ann.getTask({ path: { taskId: task.id } })))
    await server.stop()

    const asked = requestsOf(spans()).filter(({ name }) => name === 'getTask')
    expect(asked).toHaveLength(60)
    const statements = asked.map(request => under(spans(), request).filter(({ kind }) => kind === 'client'))
    for (const own of statements) expect(own).toMatchObject([{ name: 'select task', events: ['sent'] }])
    const together = statements.flat().flatMap(({ attributes }) => (attributes['db.operation.batch.size'] as number) ?? [])
    expect(together.length).toBeGreaterThan(0)
    for (const size of together) expect(size).toBeGreaterThan(1)
    for (const size of new Set(together)) expect(together.filter(each => each === size).length % size).toBe(0)
  })

  test('also when it changes rows of several owners', async ({ service }) => {
    const { url, spans } = await collector()
    const server = await start({ databaseUrl: service.databaseUrl, poolSize: 1, tracing: to(url) })
    const clients = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => client(server.url, await tokenOf(`changing-${index}`))),
    )
    await Promise.all(clients.map(each => each.getUser())) // makes the accounts
    for (let round = 0; round < 2; round++) await Promise.all(clients.map(each => each.createTask({ body: { title: 'a' } })))
    await server.stop()

    const asked = requestsOf(spans()).filter(({ name }) => name === 'createTask')
    expect(asked).toHaveLength(40)
    const statements = asked.map(request => under(spans(), request).filter(({ kind }) => kind === 'client'))
    for (const own of statements) expect(own).toHaveLength(1)
    const together = statements.flat().filter(({ attributes }) => attributes['db.operation.batch.size'] !== undefined)
    expect(together.length).toBeGreaterThan(0)
    for (const { name, events } of statements.flat()) {
      expect(name).toBe('insert task')
      expect(events.length).toBeGreaterThan(0) // an owner that is passed over is served alone afterwards
    }
  })
})

describe('a collector', () => {
  test('gets the service, its version and the configured headers', async ({ service }) => {
    const { url, resources, headers } = await collector()
    const tracing = to(`${url}/v1/traces`, {
      headers: { 'x-tenant': 'blue' },
      resource: { 'service.name': 'todo', 'deployment.environment.name': 'test' },
    })
    const server = await start({ databaseUrl: service.databaseUrl, tracing })
    await client(server.url, undefined).getLiveness()
    await server.stop()
    expect(resources()).toMatchObject([
      {
        'service.name': 'todo',
        'deployment.environment.name': 'test',
        'service.version': (document as unknown as { info: { version: string } }).info.version,
      },
    ])
    expect(headers).toMatchObject([{ ':path': '/v1/traces', 'x-tenant': 'blue', 'content-type': 'application/json' }])
  })

  test.for([
    ['parentbased_always_on', 1, [false, true], [true]],
    ['parentbased_always_off', 1, [false, true], [true]],
    ['parentbased_traceidratio', 0, [undefined, true], [true]],
    ['always_on', 1, [false, true], [false, true]],
    ['always_off', 1, [undefined, true], []],
    ['traceidratio', 1, [undefined, false], [undefined, false]],
    ['traceidratio', 0, [undefined, true], []],
  ] as const)(
    'gets the traces that the sampler %s with %s chooses, of callers that sample or not',
    async ([sampler, ratio, sent, received], { service }) => {
      const { url, spans } = await collector()
      const server = await start({ databaseUrl: service.databaseUrl, tracing: to(url, { sampler, ratio }) })
      for (const sampled of sent)
        await fetch(`${server.url}/livez`, { headers: sampled === undefined ? {} : { traceparent: traceparent(sampled) } })
      await server.stop()
      expect(spans()).toHaveLength(received.length)
      expect(server.log.filter(({ traceId, spanId }) => traceId !== undefined && spanId !== undefined)).toHaveLength(sent.length)
    },
  )

  test.for(['is down', 'never answers'])('that %s delays no request and no shutdown, and is logged once', async (how, { service }) => {
    const closed = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => closed.once('listening', resolve))
    const { port } = closed.address() as { port: number }
    await new Promise(resolve => closed.close(resolve))
    const url = how === 'is down' ? `http://127.0.0.1:${port}` : (await collector({ silent: true })).url

    const server = await start({ databaseUrl: service.databaseUrl, tracing: to(url) })
    const ann = client(server.url, await tokenOf('ann'))
    for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 100 }, () => ann.getLiveness()))
    await ann.listTasks()
    await server.stop() // also if the collector never replies
    expect(server.log.filter(({ msg }) => msg === 'request')).toHaveLength(1001)
    expect(server.log.filter(({ msg }) => msg === 'traces are lost').length).toBeLessThanOrEqual(1)
    if (how === 'is down') expect(server.log).toContainEqual(expect.objectContaining({ msg: 'traces are lost', level: 40 }))
  })
})

test('the log says once that traces are lost, and once that they arrive again', async ({ service }) => {
  let broken = true
  const { url, spans } = await collector({ broken: () => broken })
  const server = await start({ databaseUrl: service.databaseUrl, tracing: to(url) })
  const anonymous = client(server.url, undefined)
  const warned = () => server.log.filter(({ msg }) => /^traces/.test(msg as string)).map(({ msg }) => msg)
  while (warned().length === 0) await Promise.all(Array.from({ length: 100 }, () => anonymous.getLiveness()))
  for (let round = 0; round < 6; round++) await Promise.all(Array.from({ length: 100 }, () => anonymous.getLiveness()))
  broken = false
  await anonymous.getLiveness()
  await server.stop()
  expect(warned()).toEqual(['traces are lost', 'traces arrive again'])
  expect(spans().length).toBeGreaterThan(0)
})

describe('without tracing', () => {
  test('a log line has the trace context of its caller', async ({ service, anonymous }) => {
    const line = async (header: string | undefined) => {
      await anonymous.send('GET', '/livez', {
        headers: { 'x-request-id': `r${service.log.length}`, ...(header !== undefined && { traceparent: header }) },
      })
      return service.log.find(({ requestId }) => requestId === `r${service.log.length - 1}`) ?? {}
    }
    expect(await line(traceparent(false))).toMatchObject({ traceId, spanId: caller })
    expect(await line(`01-${traceId}-${caller}-01-more`)).toMatchObject({ traceId, spanId: caller })
    for (const header of [
      undefined,
      '',
      `00-${traceId}-${caller}-01-more`,
      `ff-${traceId}-${caller}-01`,
      `00-${'0'.repeat(32)}-${caller}-01`,
      `00-${traceId}-${'0'.repeat(16)}-01`,
      `00-${traceId.toUpperCase()}-${caller}-01`,
      `${traceparent(true)}, ${traceparent(true)}`,
    ])
      expect(Object.keys(await line(header))).not.toContain('traceId')
  })
})
