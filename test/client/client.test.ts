// The behaviour of the client, against the real server and against one with scripted replies.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { describe, expect, onTestFinished } from 'vitest'
import { type ChangesInput, type Client, createClient, type Options, ProblemError, unwrap } from '../../src/client/index.ts'
import { document } from '../../src/contract/document.ts'
import { steadyMs } from '../support/clock.ts'
import { operations } from '../support/spec.ts'
import { test as base, tokenOf } from '../support/taskspec.ts'

let users = 0

const test = base.extend('api', async ({ service }) => {
  const token = await tokenOf(`client-${users++}`)
  return (options: Partial<Options> = {}) => createClient({ baseUrl: service.url, token, ...options })
})

describe('a call', () => {
  test('exists for every operation and returns its data', async ({ api }) => {
    const client = api()
    for (const { operationId } of operations) expect(client[operationId === 'streamEvents' ? 'events' : operationId]).toBeTypeOf('function')
    expect(unwrap(await client.getOpenapiYaml())).toContain('openapi: 3.1.0')
    expect(unwrap(await client.getOpenapiJson())).toMatchObject({ info: { version: document.info.version } })
    expect(unwrap(await client.getDocsAsset({ path: { asset: 'docs.js' } }))).toContain('openapi')
    expect(unwrap(await client.exportAccount({ query: { format: 'csv' } }))).toMatch(/^id,parentId,.*\r\n$/)
    const csv = 'id,title\n019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f13,Pack\n'
    for (const body of [csv, new Blob([csv]), new Blob([csv]).stream()]) {
      const report = unwrap(await client.importAccount({ query: { dryRun: true }, body, type: 'text/csv' }))
      expect(report).toMatchObject({ dryRun: true, created: 1, isComplete: true })
    }
    expect(unwrap(await client.getReadiness())).toEqual({ status: 'ready' })
  })

  test('returns data and ETag, or a problem', async ({ api }) => {
    const client = api()
    const created = await client.createCategory({ body: { name: 'Travel' } })
    expect(created).toMatchObject({ ok: true, status: 201, data: { name: 'Travel', color: null, position: 0 } })
    if (created.ok) expect(created.etag).toBe(`"${created.data.revision}"`)

    const again = await client.createCategory({ body: { name: 'travel' } })
    expect(again).toMatchObject({ ok: false, status: 409, problem: { type: '/problems/conflict' } })
    if (again.status === 409) expect(again.problem.errors).toMatchObject([{ pointer: '/name', code: 'taken' }])
  })

  test('of a batch takes resources as conditions', async ({ api }) => {
    const client = api()
    const task = unwrap(await client.createTask({ body: { title: 'a' } }))
    const path = { taskId: task.id }
    const change = (title: string) => ({ operationId: 'updateTask' as const, path, body: { title }, ifMatch: task })
    const { results } = unwrap(await client.runBatch({ body: { operations: [change('b'), change('c')] } }))
    expect(results.map(({ status }) => status)).toEqual([200, 412])
    expect(results[1]?.etag).toBe(results[0]?.etag)
  })

  test('accepts the own user id and returns 403 for another one', async ({ api }) => {
    const client = api()
    const me = unwrap(await client.getUser())
    expect((await client.getUser({ path: { userId: me.id } })).status).toBe(200)
    expect((await client.getUser({ path: { userId: 'nobody' } })).status).toBe(403)
  })

  test('sends arrays as repeated parameters', async ({ api }) => {
    const client = api()
    for (const priority of ['low', 'medium', 'high'] as const) await client.createTask({ body: { title: priority, priority } })
    const { items } = unwrap(await client.listTasks({ query: { priority: ['low', 'high'], sort: 'priority' } }))
    expect(items.map(({ title }) => title).sort()).toEqual(['high', 'low'])
  })

  test('throws for an id that URL parsing would remove from the path', async ({ api }) => {
    const client = api({ fetch: () => Promise.reject(new Error('sent')) })
    for (const taskId of ['', '.', '..']) await expect(client.deleteTask({ path: { taskId } })).rejects.toThrow(`taskId is "${taskId}"`)
  })

  test('throws if a gateway replies with its own error', async () => {
    const gateway = await server([[502, { 'content-type': 'text/html' }, '<h1>Bad gateway</h1>']])
    const error = await createClient({ baseUrl: gateway.url })
      .createTask({ body: { title: 'a' } })
      .catch(caught => caught)
    expect(error.message).toBe('createTask got 502 from something that is not Taskspec')
    expect(error.cause).toBeInstanceOf(Response)
  })
})

describe('changes', () => {
  /** The copy of an app, and how often it began anew. */
  async function synchronise(client: Client, copy: Map<string, unknown>, input: ChangesInput) {
    const seen = { resets: 0, pages: 0, cursor: '' }
    for await (const { reset, items, nextCursor } of client.changes(input)) {
      if (reset) copy.clear()
      for (const { id, resource } of items) resource === null ? copy.delete(id) : copy.set(id, resource)
      seen.resets += Number(reset)
      seen.pages += 1
      seen.cursor = nextCursor
    }
    return seen
  }

  test('make a copy, keep it, and begin it anew when the cursor has expired', async ({ api }) => {
    const client = api()
    const make = async (title: string) => unwrap(await client.createTask({ body: { title } }))
    const [first, second] = [await make('a'), await make('b')]
    const user = unwrap(await client.getUser())
    const copy = new Map<string, unknown>([['old', null]])
    const snapshot = await synchronise(client, copy, { limit: 1 })
    expect([snapshot, [...copy.values()]]).toEqual([{ resets: 1, pages: 3, cursor: expect.any(String) }, [user, first, second]])

    await client.deleteTask({ path: { taskId: first.id } })
    const third = await make('c')
    const delta = await synchronise(client, copy, { cursor: snapshot.cursor, limit: 100 })
    expect([delta, [...copy.values()]]).toEqual([{ resets: 0, pages: 1, cursor: expect.any(String) }, [user, second, third]])
    expect(await synchronise(client, copy, delta)).toEqual({ ...delta, pages: 1 })

    await client.emptyTrash()
    copy.set(first.id, first) // as in an app that has not seen the deletion
    expect(await synchronise(client, copy, { cursor: snapshot.cursor, limit: 2 })).toMatchObject({ resets: 1, pages: 2 })
    expect([...copy.values()]).toEqual([user, second, third])
  })

  test('throw the problem of any other refusal', async ({ api }) => {
    const error = await synchronise(api(), new Map(), { cursor: 'abc' }).catch(caught => caught)
    expect(error).toBeInstanceOf(ProblemError)
    expect(error.problem).toMatchObject({ status: 422, errors: [{ pointer: '/cursor' }] })
  })
})

describe('the token', () => {
  test('is requested for every call', async ({ service }) => {
    const tokens: string[] = []
    const client = createClient({
      baseUrl: service.url,
      token: async () => {
        tokens.push(await tokenOf(`token-${tokens.length}`))
        return tokens.at(-1)
      },
    })
    expect(unwrap(await client.getUser()).id).toBe('token-0')
    expect(unwrap(await client.getUser()).id).toBe('token-1')
    expect(tokens).toHaveLength(2)
  })

  test('may be missing: the server replies 401', async ({ api }) => {
    expect(await api({ token: undefined }).listTasks()).toMatchObject({ status: 401, problem: { type: '/problems/unauthenticated' } })
    expect((await api({ token: () => undefined }).listTasks()).status).toBe(401)
  })

  test('function that fails makes the call fail before it sends a request', async () => {
    const { url, requests } = await server([])
    const token = () => Promise.reject(new Error('signed out'))
    await expect(createClient({ baseUrl: url, token }).listTasks()).rejects.toThrow('signed out')
    expect(requests).toEqual([])
  })
})

describe('conditions', () => {
  test('update, put and delete succeed with a current resource and return 412 with a stale one', async ({ api }) => {
    const client = api()
    const first = unwrap(await client.createTask({ body: { title: 'first' } }))
    const path = { taskId: first.id }
    const second = unwrap(await client.updateTask({ path, body: { title: 'second' }, ifMatch: first }))

    const stale = await client.updateTask({ path, body: { title: 'third' }, ifMatch: first })
    expect(stale).toMatchObject({ ok: false, status: 412, problem: { type: '/problems/precondition-failed' } })
    expect(stale.response.headers.get('etag')).toBe(`"${second.revision}"`)
    expect((await client.putTask({ path, body: { title: 'third' }, ifMatch: first })).status).toBe(412)
    expect((await client.deleteTask({ path, ifMatch: first })).status).toBe(412)
    expect(unwrap(await client.getTask({ path }))).toEqual(second)

    const third = await client.putTask({ path, body: { title: 'third' }, ifMatch: second })
    expect(third.status).toBe(200)
    expect((await client.deleteTask({ path, ifMatch: third.ok ? third.etag : '' })).status).toBe(204)
  })

  test('put with ifNoneMatch only creates', async ({ api }) => {
    const [client, path] = [api(), { taskId: '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12' }]
    expect((await client.putTask({ path, body: { title: 'a' }, ifNoneMatch: '*' })).status).toBe(201)
    expect((await client.putTask({ path, body: { title: 'b' }, ifNoneMatch: '*' })).status).toBe(412)
  })

  test('a read with a current ETag returns 304', async ({ api }) => {
    const client = api()
    const task = unwrap(await client.createTask({ body: { title: 'a' } }))
    const path = { taskId: task.id }
    expect(await client.getTask({ path, ifNoneMatch: task })).toMatchObject({ ok: true, status: 304, etag: `"${task.revision}"` })
    const list = await client.listTasks()
    expect((await client.listTasks({ ifNoneMatch: list.ok ? list.etag : undefined })).status).toBe(304)
    await client.updateTask({ path, body: { title: 'b' } })
    expect((await client.getTask({ path, ifNoneMatch: task })).status).toBe(200)
  })

  test('a weak ETag of a gateway becomes strong', async () => {
    const { url } = await server([[200, { etag: 'W/"7"' }, {}]])
    expect(await createClient({ baseUrl: url }).getUser()).toMatchObject({ etag: '"7"' })
  })
})

describe('each', () => {
  test('returns every item once and requests pages only when needed', async ({ api }) => {
    const client = api()
    for (const title of 'abcdefg') await client.createTask({ body: { title, completed: title === 'd' } })
    let sent = 0
    const countingClient = api({
      fetch: request => {
        sent++
        return fetch(request)
      },
    })
    const titles: string[] = []
    const query = { limit: 2, completed: false, sort: 'title' } as const
    for await (const { title } of countingClient.each('listTasks', { query })) titles.push(title)
    expect(titles).toEqual([...'abcefg'])
    expect(sent).toBe(3)

    for await (const { title } of countingClient.each('listTasks', { query })) if (title === 'b') break
    expect(sent).toBe(4)
  })

  test('returns nothing for an empty list', async ({ api }) => {
    expect(await Array.fromAsync(api().each('listCategories'))).toEqual([])
  })

  test('throws the problem of a page', async ({ api }) => {
    const error = await Array.fromAsync(api().each('listTasks', { query: { limit: 101 } })).catch(caught => caught)
    expect(error).toBeInstanceOf(ProblemError)
    expect(error.problem).toMatchObject({ type: '/problems/invalid-request', errors: [{ pointer: '/limit' }] })
    expect(error.message).toBe('Invalid request: The request breaks the schema in 1 place.')
    expect(error.response.status).toBe(422)
  })

  test('ends if nextCursor leads to the same page, as with the mock', async () => {
    const { url, requests } = await server(Array(5).fill([200, {}, { items: [1], nextCursor: 'same' }]))
    expect(await Array.fromAsync(createClient({ baseUrl: url }).each('listTasks'))).toEqual([1, 1])
    expect(requests).toHaveLength(2)
  })
})

describe('retries', () => {
  const path = { taskId: 'a' }
  const unavailable = (after?: string): ScriptedReply => [503, after === undefined ? {} : { 'retry-after': after }, problem]
  const success: ScriptedReply = [200, {}, { title: 'a' }]

  test('waits as long as Retry-After says', async () => {
    const { url, requests } = await server([unavailable('1'), [429, { 'retry-after': '0' }, problem], success])
    const began = performance.now()
    expect(await createClient({ baseUrl: url }).getTask({ path })).toMatchObject({ status: 200, data: { title: 'a' } })
    expect(performance.now() - began).toBeGreaterThan(990)
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET'])
  })

  test('waits 0.2 s without Retry-After, and accepts a date', async () => {
    const { url, requests } = await server([unavailable(), unavailable(new Date().toUTCString()), success])
    expect((await createClient({ baseUrl: url }).getTask({ path })).status).toBe(200)
    expect((requests[1]?.at ?? 0) - (requests[0]?.at ?? 0)).toBeGreaterThan(190)
    expect(requests).toHaveLength(3)
  })

  test('sends the body again', async () => {
    const { url, requests } = await server([unavailable('0'), success])
    await createClient({ baseUrl: url, token: 'a' }).putTask({ path, body: { title: 'ü' }, ifMatch: { revision: 7 } })
    const sent = { method: 'PUT', body: '{"title":"ü"}', headers: { authorization: 'Bearer a', 'if-match': '"7"' } }
    expect(requests).toMatchObject([sent, sent])
  })

  test('returns the 404 of a repeated delete', async () => {
    const { url, requests } = await server(['cut', [404, {}, problem]])
    expect((await createClient({ baseUrl: url }).deleteTask({ path })).status).toBe(404)
    expect(requests).toHaveLength(2)
  })

  test('ends after three attempts, or after `tries`', async () => {
    const three = await server(Array(9).fill(unavailable('0')))
    expect(await createClient({ baseUrl: three.url }).getTask({ path })).toMatchObject({ ok: false, status: 503 })
    expect(three.requests).toHaveLength(3)
    await createClient({ baseUrl: three.url, tries: 1 }).getTask({ path })
    expect(three.requests).toHaveLength(4)
  })

  test('does not wait longer than maxWait', async () => {
    const { url, requests } = await server([unavailable('11'), unavailable('1')])
    expect((await createClient({ baseUrl: url }).getTask({ path })).status).toBe(503)
    expect((await createClient({ baseUrl: url, maxWait: 500 }).getTask({ path })).status).toBe(503)
    expect(requests).toHaveLength(2)
  })

  test('retries after a network failure and throws after the last attempt', async () => {
    const { url, requests } = await server(['cut', success, 'cut', 'cut', 'cut'])
    expect((await createClient({ baseUrl: url }).getTask({ path })).status).toBe(200)
    await expect(createClient({ baseUrl: url }).getTask({ path })).rejects.toThrow(TypeError)
    expect(requests).toHaveLength(5)
  })

  test('of a POST have one key, which is new for each call', async () => {
    const created: ScriptedReply = [201, { 'content-type': 'application/json' }, '{}']
    const inFlight: ScriptedReply = [409, { 'content-type': 'application/problem+json', 'retry-after': '0' }, '{}']
    const { url, requests } = await server([unavailable('0'), inFlight, created, 'cut', created, created])
    const client = createClient({ baseUrl: url })
    expect((await client.createTask({ body: { title: 'a' } })).status).toBe(201)
    expect((await client.createTask({ body: { title: 'a' } })).status).toBe(201)
    expect(
      (await client.openapi.POST('/v1/users/{userId}/tasks', { params: { path: { userId: 'me' } }, body: { title: 'a' } })).error,
    ).toBe(undefined)
    const keys = requests.map(({ headers }) => headers['idempotency-key'])
    for (const key of keys) expect(key).toMatch(/^"[0-9a-f]{32}"$/)
    expect([0, 1, 2, 3, 4, 5].map(i => keys.indexOf(keys[i]))).toEqual([0, 0, 0, 3, 3, 5])
  })

  test('of a POST may have your own key, and create once', async ({ api }) => {
    const client = api()
    const input = { body: { title: 'once' }, idempotencyKey: 'a "quoted\\ key"'.replaceAll(' ', '-') }
    const first = unwrap(await client.createTask(input))
    const again = await client.createTask(input)
    expect([unwrap(again), again.response.headers.get('idempotency-replayed')]).toEqual([first, 'true'])
    expect(unwrap(await client.listTasks()).items).toEqual([first])
  })

  test('do not apply to PATCH, nor to POST with one try, which has no key', async () => {
    const { url, requests } = await server([unavailable('0'), 'cut', unavailable('0'), 'cut'])
    const single = createClient({ baseUrl: url, tries: 1 })
    expect((await single.createTask({ body: { title: 'a' } })).status).toBe(503)
    await expect(single.createTask({ body: { title: 'a' } })).rejects.toThrow(TypeError)
    expect(requests.map(({ headers }) => headers['idempotency-key'])).toEqual([undefined, undefined])
    const client = createClient({ baseUrl: url })
    expect((await client.updateTask({ path, body: { title: 'a' } })).status).toBe(503)
    await expect(client.updateTask({ path, body: { title: 'a' } })).rejects.toThrow(TypeError)
    expect(requests).toHaveLength(4)
  })

  test('end with the signal, also during a wait', async () => {
    const { url, requests } = await server([unavailable('9'), unavailable('9')])
    const client = createClient({ baseUrl: url })
    const began = steadyMs()
    await expect(client.getTask({ path, signal: AbortSignal.timeout(100) })).rejects.toThrow('timeout')
    expect(steadyMs() - began).toBeLessThan(5_000)
    expect(requests).toHaveLength(1)

    let sent = 0
    const failingFetch = () => Promise.reject(new Error(`try ${++sent}`))
    const aborted = createClient({ baseUrl: url, fetch: failingFetch }).getTask({ path, signal: AbortSignal.abort() })
    await expect(aborted).rejects.toThrow('aborted')
    expect(sent).toBe(1)
  })
})

test('keeps properties that a newer server adds', async () => {
  const { url } = await server([[200, {}, { id: 'a', title: 'a', addedLater: 1 }]])
  expect(unwrap(await createClient({ baseUrl: url }).getTask({ path: { taskId: 'a' } }))).toEqual({ id: 'a', title: 'a', addedLater: 1 })
})

test('the openapi-fetch client has the token and the retries too', async () => {
  const { url, requests } = await server([
    [503, { 'retry-after': '0' }, problem],
    [200, {}, { id: 'ann' }],
  ])
  const { data } = await createClient({ baseUrl: url, token: 'a' }).openapi.GET('/v1/users/{userId}', {
    params: { path: { userId: 'me' } },
  })
  expect(data).toEqual({ id: 'ann' })
  expect(requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer a', 'Bearer a'])
})

type ScriptedReply = [status: number, headers: Record<string, string>, body: unknown] | 'cut'
type Received = { method: string | undefined; headers: IncomingHttpHeaders; body: string; at: number }

const problem = {
  type: '/problems/unavailable',
  title: 'Temporarily unavailable',
  status: 503,
  detail: '',
  instance: '/',
  requestId: 'a',
  errors: [],
}

/** A server that replies from a script, or closes the connection. */
async function server(script: ScriptedReply[]): Promise<{ url: string; requests: Received[] }> {
  const requests: Received[] = []
  const reply = (response: ServerResponse, [status, headers, body]: Exclude<ScriptedReply, 'cut'>) => {
    const type = status < 400 ? 'application/json' : 'application/problem+json'
    response.writeHead(status, { 'content-type': type, ...headers }).end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  const listener = createServer(async (request, response) => {
    const body = (await Array.fromAsync(request)).join('')
    const next = script[requests.push({ method: request.method, headers: request.headers, body, at: performance.now() }) - 1]
    if (next === undefined || next === 'cut') request.socket.destroy()
    else reply(response, next)
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  onTestFinished(() => {
    listener.close()
    listener.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(listener.address() as { port: number }).port}`, requests }
}
