// HTTP itself, as it is for every operation.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect } from 'vitest'
import { createApp } from '../../src/http/app.ts'
import { createShedding } from '../../src/http/shedding.ts'
import { createLog } from '../../src/observe/log.ts'
import { createPipeline } from '../../src/pipeline/pipeline.ts'
import { start, test, tokenOf } from '../support/taskspec.ts'

const json = { 'content-type': 'application/json' }
const tasks = '/v1/users/me/tasks'

describe('paths and methods', () => {
  test('an unknown path is 404 and names the reference', async ({ as }) => {
    const ann = await as('ann')
    for (const path of ['/', '/v1', '/v1/users', '/v1/users/me/', '/v1/users/me/tasks/', '/V1/users/me', '/v2/users/me', '//livez']) {
      const { status, body } = await ann.send('GET', path)
      expect([path, status]).toEqual([path, 404])
      expect(body).toMatchObject({ type: '/problems/not-found', detail: expect.stringContaining('/docs') })
    }
  })

  test('a known path with another method is 405 with Allow, even without a token', async ({ anonymous }) => {
    for (const [method, path, allow] of [
      ['DELETE', tasks, 'GET, HEAD, OPTIONS, POST'],
      ['POST', `${tasks}/x`, 'DELETE, GET, HEAD, OPTIONS, PATCH, PUT'],
      ['POST', '/livez', 'GET, HEAD, OPTIONS'],
    ] as const) {
      const { status, headers, body } = await anonymous.send(method, path)
      expect([status, headers.get('allow')]).toEqual([405, allow])
      expect(body).toMatchObject({ type: '/problems/method-not-allowed' })
    }
  })

  test('OPTIONS of a path names its methods, even without a token, and 404 is 404', async ({ service }) => {
    for (const [path, allow] of [
      [tasks, 'GET, HEAD, OPTIONS, POST'],
      ['/v1/users/me', 'DELETE, GET, HEAD, OPTIONS, PATCH'],
      ['/livez?', 'GET, HEAD, OPTIONS'],
    ] as const) {
      const { status, headers } = await fetch(service.url + path, { method: 'OPTIONS' })
      expect([path, status, headers.get('allow')]).toEqual([path, 204, allow])
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
      expect(headers.has('accept-patch')).toBe(allow.includes('PATCH'))
    }
    expect((await fetch(`${service.url}/nowhere`, { method: 'OPTIONS' })).status).toBe(404)
  })

  test('HEAD is GET without the body', async ({ as }) => {
    const ann = await as('ann')
    const { headers } = await ann.send('GET', tasks)
    const head = await ann.send('HEAD', tasks)
    expect(head).toMatchObject({ status: 200, body: undefined })
    for (const name of ['etag', 'content-length', 'content-type']) expect(head.headers.get(name)).toBe(headers.get(name))
  })
})

describe('a query', () => {
  // No UTF-8, cut off within a character, half of a surrogate pair, and no percent-encoding.
  test.for(['%FF', 'caf%E9', '%C3', '%E4%BD', '%ED%A0%80', '%C0%AF', '%', '100%', '%zz', 'a%2'])(
    'that is not percent-encoded UTF-8 is 400: q=%s',
    async (q, { service, as }) => {
      const ann = await as('ann')
      const authorization = `Bearer ${await tokenOf(ann.id)}`
      for (const query of [`q=${q}`, `${q}=1`, `limit=1&label=${q}`]) {
        const reply = await fetch(`${service.url}${tasks}?${query}`, { headers: { authorization } })
        expect([reply.status, reply.headers.get('connection')]).toEqual([400, 'keep-alive'])
        const detail = 'The query must be percent-encoded UTF-8. Write % as %25.'
        expect(await reply.json()).toMatchObject({ type: '/problems/malformed-request', detail, instance: tasks })
      }
    },
  )

  test('has spaces as + or %20, and any other character as UTF-8', async ({ as }) => {
    const ann = await as('ann')
    await ann.createTask({ body: { title: 'Read Émile + 100% more', labels: ['a+b', 'ä 100%'] } })
    for (const query of ['q=read+%C3%A9mile', 'q=read%20émile', 'label=a%2Bb', 'label=%c3%A4+100%25', 'label=a%2Bb&label=ä%20100%25'])
      expect((await ann.send('GET', `${tasks}?${query}`)).body).toMatchObject({ items: [{ labels: ['a+b', 'ä 100%'] }] })
  })

  test('a path segment that is not UTF-8 names nothing', async ({ as }) => {
    const ann = await as('ann')
    for (const [path, status] of [
      ['/v1/users/%FF', 403],
      [`${tasks}/%FF`, 422],
      ['/docs/%FF', 422],
      ['/%FF', 404],
    ] as const)
      expect([path, (await ann.send('GET', path)).status]).toEqual([path, status])
  })
})

describe('a body', () => {
  test('of another media type is 415', async ({ as }) => {
    const ann = await as('ann')
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/merge-patch+json',
      'application/json; charset=latin1',
      'application/jsonx',
    ])
      expect((await ann.send('POST', tasks, { headers: { 'content-type': type }, body: '{"title":"a"}' })).status).toBe(415)
    expect((await ann.send('POST', tasks, { body: new TextEncoder().encode('{"title":"a"}') })).status).toBe(415)
    for (const type of [
      'application/json; charset=utf-8',
      'Application/JSON;charset="UTF-8"',
      'application/json;',
      'application/json ;\t; charset=utf-8;',
      'application/json; version=1; profile="x;y"',
    ])
      expect((await ann.send('POST', tasks, { headers: { 'content-type': type }, body: '{"title":"a"}' })).status).toBe(201)
  })

  test('of another media type is told which to send', async ({ as }) => {
    const ann = await as('ann')
    const told = async (method: string, path: string, headers: Record<string, string>) => {
      const reply = await ann.send(method, path, { headers, body: '{"title":"a"}' })
      return [reply.status, ...['accept', 'accept-patch', 'accept-encoding'].map(name => reply.headers.get(name))]
    }
    const patchTypes = 'application/json, application/merge-patch+json'
    const plain = { 'content-type': 'text/plain' }
    expect(await told('POST', tasks, plain)).toEqual([415, 'application/json', null, null])
    expect(await told('PUT', `${tasks}/x`, { 'content-type': 'application/merge-patch+json' })).toEqual([
      415,
      'application/json',
      null,
      null,
    ])
    expect(await told('PATCH', `${tasks}/x`, { 'content-type': 'application/json-patch+json' })).toEqual([415, null, patchTypes, null])
    expect(await told('PATCH', `${tasks}/x`, { ...plain, 'content-encoding': 'br' })).toEqual([415, null, patchTypes, 'identity'])
  })

  test('that is a merge patch changes a resource like JSON, and every other method of its path names it', async ({ as, anonymous }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'a', dueDate: '2027-03-01' } })
    for (const type of ['application/merge-patch+json', 'Application/Merge-Patch+JSON; charset=utf-8']) {
      const patch = { headers: { 'content-type': type }, body: '{"title":"b","dueDate":null}' }
      expect(await ann.send('PATCH', `${tasks}/${task.id}`, patch)).toMatchObject({ status: 200, body: { title: 'b', dueDate: null } })
    }
    const patchTypes = 'application/json, application/merge-patch+json'
    for (const path of [`${tasks}/x`, '/v1/users/me/categories/x', '/v1/users/me'])
      expect((await anonymous.send('POST', path)).headers.get('accept-patch')).toBe(patchTypes)
    expect((await anonymous.send('PATCH', tasks)).headers.get('accept-patch')).toBe(null)
  })

  test('that is compressed is 415', async ({ as }) => {
    const ann = await as('ann')
    const body = gzipSync('{"title":"a"}')
    const { status, headers } = await ann.send('POST', tasks, { headers: { ...json, 'content-encoding': 'gzip' }, body })
    expect([status, headers.get('accept-encoding'), headers.get('accept')]).toEqual([415, 'identity', null])
  })

  test('that is not JSON in UTF-8 is 400', async ({ as }) => {
    const ann = await as('ann')
    const bodies = ['{"title":', "{'title':'a'}", '{"title":"a",}', 'title=a', new Uint8Array([0x22, 0xff, 0x22]), '\ufeff{"title":"a"}x']
    for (const body of bodies) {
      const reply = await ann.send('POST', tasks, { headers: json, body })
      expect(reply).toMatchObject({ status: 400, body: { type: '/problems/malformed-json' } })
    }
  })

  test('that is missing is 422', async ({ as }) => {
    const ann = await as('ann')
    const { status, body } = await ann.send('POST', tasks, { headers: json })
    expect(status).toBe(422)
    expect(body).toMatchObject({ errors: [{ pointer: '', location: 'body', code: 'required' }] })
  })

  test('above 1 MiB is 413, whether it declares its size or not', async ({ as }) => {
    const ann = await as('ann')
    const sized = (bytes: number) => `{"title":"${'x'.repeat(bytes - 12)}"}`
    expect((await ann.send('POST', tasks, { headers: json, body: sized(1024 * 1024) })).status).toBe(422)
    expect((await ann.send('POST', tasks, { headers: json, body: sized(1024 * 1024 + 1) })).status).toBe(413)
    const stream = new Blob([sized(2 * 1024 * 1024)]).stream()
    expect((await ann.send('POST', tasks, { headers: json, body: stream })).status).toBe(413)
  })

  test('with many errors gets a reply of bounded size', async ({ as }) => {
    const ann = await as('ann')
    const body = JSON.stringify({ title: 'a', labels: Array(100_000).fill(1) })
    const reply = await ann.send('POST', tasks, { headers: json, body })
    expect((reply.body as { errors: unknown[] }).errors).toHaveLength(100)
  })
})

describe('the order of checks', () => {
  test('is path, method, token, owner, media type, size, JSON, schema', async ({ as, anonymous, service }) => {
    const ann = await as('ann')
    const bad = { headers: { 'content-type': 'text/plain' }, body: '{' }
    expect((await anonymous.send('POST', '/nowhere', bad)).status).toBe(404)
    expect((await anonymous.send('PUT', '/v1/users/bob/tasks', bad)).status).toBe(405)
    expect((await anonymous.send('POST', '/v1/users/bob/tasks?x=1', bad)).status).toBe(401)
    expect((await ann.send('POST', '/v1/users/bob/tasks?x=1', bad)).status).toBe(403)
    expect((await ann.send('POST', `${tasks}?x=1`, { ...bad, body: 'x'.repeat(2_000_000) })).status).toBe(415)
    expect((await ann.send('POST', `${tasks}?x=1`, { headers: json, body: 'x'.repeat(2_000_000) })).status).toBe(413)
    expect((await ann.send('POST', `${tasks}?x=1`, { headers: json, body: '{' })).status).toBe(400)
    expect((await ann.send('POST', `${tasks}?x=1`, { headers: json, body: '{}' })).status).toBe(422)
    expect([...(await service.sql`select from users where id = ${ann.id}`)]).toEqual([])
  })

  test('the errors of path, query, header and body are reported together', async ({ as }) => {
    const ann = await as('ann')
    const { body } = await ann.send('PATCH', `${tasks}/x?y=1`, { headers: { ...json, 'if-match': '' }, body: '{"z":1}' })
    const { errors } = body as { errors: { location: string; pointer: string }[] }
    expect([...new Set(errors.map(({ location, pointer }) => location + pointer))].sort()).toEqual([
      'body/z',
      'header/if-match',
      'path/taskId',
      'query/y',
    ])
  })
})

describe('request ids', () => {
  test('are created unless a valid one is sent', async ({ as }) => {
    const ann = await as('ann')
    const idFor = async (id: string) => (await ann.send('GET', tasks, { headers: { 'x-request-id': id } })).headers.get('x-request-id')
    expect(await idFor('my.trace_1-2')).toBe('my.trace_1-2')
    for (const id of ['a b', 'x'.repeat(129), '"', 'ü']) expect(await idFor(id)).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('are the same in the header, the problem and the log', async ({ as, service }) => {
    const ann = await as('ann')
    const { headers, body } = await ann.send('GET', `${tasks}/x`)
    const requestId = headers.get('x-request-id')
    expect(body).toMatchObject({ requestId, instance: `${tasks}/x` })
    expect(service.log.filter(line => line.requestId === requestId)).toMatchObject([
      { operation: 'getTask', status: 422, method: 'GET', level: 30 },
    ])
  })
})

describe('the log', () => {
  test('has one line for each request, without token, id, query or content', async ({ as, service }) => {
    const ann = await as('ann')
    const before = service.log.length
    await ann.createTask({ body: { title: 'a very personal matter' } })
    await ann.send('POST', tasks, { headers: json, body: '{"title": a very personal matter' })
    await ann.listTasks({ query: { q: 'personal' } })
    await ann.getUser({ path: { userId: ann.id } })
    const lines = service.log.slice(before)
    expect(lines.map(({ operation, status }) => [operation, status])).toEqual([
      ['createTask', 201],
      ['createTask', 400],
      ['listTasks', 200],
      ['getUser', 200],
    ])
    expect(JSON.stringify(lines)).not.toMatch(/personal|Bearer|eyJ|ann-/)
    expect(Object.keys(lines[0] as object).sort()).toEqual(['level', 'method', 'ms', 'msg', 'operation', 'requestId', 'status', 'time'])
  })

  test('names a database error by its code, without user content', async ({ as, service }) => {
    const ann = await as('ann')
    await service.sql`alter table tasks add constraint tasks_secret check (title <> 'a very personal matter') not valid`
    const { headers } = await ann.send('POST', tasks, { headers: json, body: '{"title":"a very personal matter"}' })
    await service.sql`alter table tasks drop constraint tasks_secret`
    const line = service.log.find(({ requestId }) => requestId === headers.get('x-request-id'))
    expect(line).toMatchObject({ level: 50, status: 500, error: { name: 'PostgresError', code: '23514', constraint: 'tasks_secret' } })
    expect(JSON.stringify(service.log)).not.toContain('personal')
  })
})

describe('security headers and CORS', () => {
  test('no reply may be stored, sniffed, framed or run', async ({ as, anonymous }) => {
    const ann = await as('ann')
    for (const { headers } of [await ann.send('GET', tasks), await anonymous.send('GET', tasks), await ann.send('GET', '/nowhere')]) {
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
      expect(headers.get('x-powered-by')).toBe(null)
    }
  })

  test('development allows every origin on localhost and no other', async ({ as }) => {
    const ann = await as('ann')
    const allowed = async (origin: string) =>
      (await ann.send('GET', tasks, { headers: { origin } })).headers.get('access-control-allow-origin')
    for (const origin of ['http://localhost:5173', 'http://127.0.0.1:8080', 'http://[::1]:3000', 'https://localhost'])
      expect(await allowed(origin)).toBe(origin)
    for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'http://evil.example/localhost', 'null'])
      expect(await allowed(origin)).toBe(null)
  })

  test('a preflight is answered, and a browser can read the headers of a reply', async ({ service }) => {
    const asked = {
      origin: 'http://localhost:5173',
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'authorization,if-match',
    }
    const preflight = await fetch(service.url + tasks, { method: 'OPTIONS', headers: asked })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PATCH')
    expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization,if-match')
    const reply = await fetch(service.url + tasks, { headers: asked })
    for (const name of ['ETag', 'Location', 'Retry-After', 'X-Request-Id'])
      expect(reply.headers.get('access-control-expose-headers')).toContain(name)
  })

  test('CORS_ORIGINS allows its origins and no other, not even localhost', async ({ service, onTestFinished }) => {
    const corsOrigins = ['https://app.example.com', 'capacitor://localhost', 'https://*.example.app']
    const server = await start({ databaseUrl: service.databaseUrl, corsOrigins })
    onTestFinished(server.stop)
    const ask = crossOrigin(server.url)
    for (const origin of ['https://app.example.com', 'capacitor://localhost', 'https://one.example.app']) {
      expect(await ask('GET', origin)).toEqual({ status: 401, origin, credentials: 'true', vary: 'Origin' })
      const preflight = { status: 204, origin, credentials: 'true', vary: 'Origin, Access-Control-Request-Headers' }
      expect(await ask('OPTIONS', origin)).toEqual(preflight)
    }
    for (const origin of ['http://localhost:5173', 'https://example.app', 'null', 'ionic://localhost'])
      for (const method of ['GET', 'OPTIONS']) expect(await ask(method, origin)).toMatchObject({ origin: null })
  })

  test('CORS_ORIGINS=* allows every origin, without credentials', async ({ service, onTestFinished }) => {
    const server = await start({ databaseUrl: service.databaseUrl, corsOrigins: ['*'] })
    onTestFinished(server.stop)
    const ask = crossOrigin(server.url)
    for (const origin of ['https://anything.example', 'null'])
      for (const method of ['GET', 'OPTIONS']) expect(await ask(method, origin)).toMatchObject({ origin: '*', credentials: null })
  })

  test('a preflight may name any headers', async ({ service }) => {
    for (const names of ['', 'x-a', 'authorization, X-B,content-type', Array.from({ length: 500 }, (_, i) => `x-${i}`).join()]) {
      const headers = { origin: 'http://localhost:5173', 'access-control-request-method': 'PUT', 'access-control-request-headers': names }
      const preflight = await fetch(service.url + tasks, { method: 'OPTIONS', headers })
      expect([preflight.status, preflight.headers.get('access-control-allow-headers') ?? '']).toEqual([204, names])
    }
  })
})

test('a connection that breaks in the middle of a body changes nothing', async ({ as, service }) => {
  const ann = await as('ann')
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1')
  const token = await tokenOf(ann.id)
  socket.write(
    `POST ${tasks} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"ti`,
  )
  await new Promise(resolve => setTimeout(resolve, 100))
  socket.destroy()
  expect((await ann.listTasks()).body.items).toEqual([])
})

test("a reply that can't be written destroys its connection and is logged", async ({ onTestFinished }) => {
  const lines: string[] = []
  const log = createLog('info', { write: (line: string) => void lines.push(line) })
  const handlers = { getLiveness: async () => ({ status: 200, headers: { ETag: 'two\nlines' } }) }
  const paths = { '/livez': { get: { operationId: 'getLiveness', security: [], responses: { 200: { description: 'Alive.' } } } } }
  const small = { openapi: '3.1.0', info: { title: 'small', version: '1.0.0' }, paths }
  const authenticate = async () => ({ id: 'ann', claims: { email: null, name: null }, expiresAt: Number.MAX_SAFE_INTEGER })
  const operations = await createPipeline({ document: small, handlers, authenticate, rateLimit: async () => ({}) })
  const { signal } = new AbortController()
  const shared = { log, metrics: null, shedding: createShedding(log), version: '1', corsOrigins: [], stopping: signal, trustProxy: 0 }
  const server = createServer(createApp({ operations, ...shared })).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')

  await expect(fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/livez`)).rejects.toThrow('fetch failed')
  expect(lines.map(line => JSON.parse(line))).toMatchObject([{ msg: 'reply failed', error: { code: 'ERR_INVALID_CHAR' } }])
})

/** What a server replies to a page of an origin. */
function crossOrigin(url: string) {
  return async (method: string, origin: string) => {
    const preflight = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' }
    const { status, headers } = await fetch(url + tasks, { method, headers: { origin, ...(method === 'OPTIONS' && preflight) } })
    const [allowed, credentials] = ['origin', 'credentials'].map(name => headers.get(`access-control-allow-${name}`))
    return { status, origin: allowed, credentials, vary: headers.get('vary') }
  }
}
