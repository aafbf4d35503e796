import { once } from 'node:events'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { tokenFor } from '../../src/auth/issue.ts'
import { createClient } from '../../src/client/index.ts'
import { createSandbox } from '../../src/dev/sandbox.ts'
import { aroundFaults } from '../../src/dev/sandbox-faults.ts'
import { launch } from '../support/browser.ts'
import { client, type Problem } from '../support/client.ts'
import { inDevelopment, operations, problemExamples } from '../support/spec.ts'

let sandbox: Awaited<ReturnType<typeof createSandbox>>
let token: string
beforeAll(async () => {
  sandbox = await createSandbox({ port: 0 })
  token = await tokenFor('carol', sandbox.auth)
})
afterAll(() => sandbox.stop())
beforeEach(async () => {
  await fetch(`${sandbox.url}/sandbox/reset`, { method: 'POST' })
})

afterEach(() => vi.useRealTimers())

const tasks = '/v1/users/me/tasks'
const post = { 'content-type': 'application/json' }
// Checks each reply against the contract, apart from the header that only the sandbox has.
const carol = () => client(sandbox.url, token, [...inDevelopment, 'preference-applied'])
const ask = (prefer: string, init: RequestInit = {}) =>
  fetch(sandbox.url + tasks, { ...init, headers: { authorization: `Bearer ${token}`, prefer, ...init.headers } })
const titles = async () => (await carol().listTasks()).body.items.map(({ title }) => title)

describe('Prefer: code', () => {
  test('gets each problem that an operation declares, with its example and its headers', async () => {
    const paths = { userId: 'me', taskId: '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12' }
    for (const id of ['listTasks', 'createTask', 'updateTask', 'getReadiness']) {
      const operation = operations.find(({ operationId }) => operationId === id)
      const { method = '', path = '', responses = {} } = operation ?? {}
      const target = path.replaceAll(/\{(\w+)\}/g, (_, name) => paths[name as keyof typeof paths])
      const body = method === 'GET' ? {} : { body: '{"title":"never"}' }
      for (const [status, response] of Object.entries(responses).filter(([status]) => Number(status) >= 400)) {
        const headers = { ...(method === 'GET' ? {} : post), prefer: `code=${status}` }
        const reply = await carol().send(method, target, { headers, ...body })
        const [example] = problemExamples(response)
        expect(reply).toMatchObject({ status: Number(status), body: { type: example?.value.type, instance: target } })
        expect((reply.body as Problem).requestId).toBe(reply.headers.get('x-request-id'))
        for (const name of Object.keys(response.headers ?? {})) expect([name, reply.headers.get(name)]).toEqual([name, expect.any(String)])
      }
    }
    expect(await titles()).toEqual([])
  })

  test('gets the example that is named, and says so', async () => {
    const reply = await ask('code="503", example=overload')
    expect(reply.headers.get('preference-applied')).toBe('code=503, example=overload')
    expect(reply.headers.get('retry-after')).toBe('1')
    expect(await reply.json()).toMatchObject({ status: 503, detail: 'The server is overloaded. Try again shortly.' })
    expect((await ask('code=503')).headers.get('preference-applied')).toBe('code=503')
  })

  test('changes nothing if the code is that of a success', async () => {
    const reply = await ask('code=200, example=none')
    expect(reply.status).toBe(200)
    expect(reply.headers.get('preference-applied')).toBeNull()
    expect(await reply.json()).toEqual({ items: [], nextCursor: null })
  })

  test('does not hide what is wrong with the request', async () => {
    const invalid = await ask('code=503', { method: 'POST', headers: post, body: '{"title":""}' })
    expect(invalid.status).toBe(422)
    expect((await ask('code=503', { headers: { authorization: 'Bearer nonsense' } })).status).toBe(401)
  })
})

test.for<[prefer: string, message: RegExp]>([
  ['code=418', /^code must be one of 201, 400, 401, 403, /],
  ['code=503, example=other', /^example must be one of databaseUnavailable, overload$/],
  ['delay=soon', /^delay must be a whole number of milliseconds, 20000 at most$/],
  ['delay=20001', /^delay must be /],
  ['lose=request', /^lose must be reply$/],
])('Prefer: %s is refused', async ([prefer, message]) => {
  const reply = await carol().send('POST', tasks, { headers: { ...post, prefer }, body: '{"title":"never"}' })
  expect(reply.status).toBe(422)
  const error = { pointer: '/prefer', location: 'header', code: expect.any(String), message: expect.stringMatching(message) }
  expect((reply.body as Problem).errors).toEqual([error])
  expect(await titles()).toEqual([])
})

test('other preferences are ignored', async () => {
  const reply = await ask('return=minimal, dynamic=true, respond-async')
  expect(reply.status).toBe(200)
  expect(reply.headers.get('preference-applied')).toBeNull()
})

describe('Prefer: delay', () => {
  test('comes before every other fault', async () => {
    const startedAt = performance.now()
    const reply = await ask('code=503, delay=50')
    expect(reply.status).toBe(503)
    expect(reply.headers.get('preference-applied')).toBe('delay=50, code=503')
    expect(performance.now() - startedAt).toBeGreaterThan(45)
  })

  test('executes the request when the time has passed, unless the client has gone', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const executed: string[] = []
    const around = aroundFaults(({ url = '' }, response) => {
      executed.push(url)
      response.end()
    })
    await using server = createServer((request, response) => {
      around(request, response)
      server.emit('waiting', response)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const send = (path: string) => get({ port, path, headers: { prefer: 'delay=20000' } })

    const gone = send('/gone').on('error', () => {})
    const [abandoned] = await once(server, 'waiting')
    const patient = send('/patient')
    await once(server, 'waiting')
    gone.destroy()
    await once(abandoned, 'close')
    vi.advanceTimersByTime(19_999)
    expect(executed).toEqual([])
    vi.advanceTimersByTime(1)
    expect(executed).toEqual(['/patient'])
    const [reply] = await once(patient, 'response')
    expect(reply.headers['preference-applied']).toBe('delay=20000')
    reply.resume()
  })
})

describe('Prefer: lose=reply', () => {
  test('executes the request once and closes the connection', async () => {
    await expect(ask('lose=reply, delay=1', { method: 'POST', headers: post, body: '{"title":"once"}' })).rejects.toThrow('fetch failed')
    await expect(ask('lose=reply')).rejects.toThrow('fetch failed')
    await expect(ask('lose=reply, code=503')).rejects.toThrow('fetch failed')
    expect(await titles()).toEqual(['once'])
  })

  test('executes the request of a browser once, which repeats requests by itself', async () => {
    await using browser = await launch()
    const page = await browser.newPage()
    await page.goto(`${sandbox.url}/docs`)
    const failures = await page.evaluate(
      async ([path, token]) => {
        const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
        const failures: string[] = []
        for (const title of ['first', 'second', 'third']) {
          await (await fetch(path, { headers })).text() // leaves a connection that is used again
          const init = { method: 'POST', headers: { ...headers, prefer: 'lose=reply' }, body: JSON.stringify({ title }) }
          await fetch(path, init).catch(error => failures.push(error.message))
        }
        return failures
      },
      [tasks, token] as const,
    )
    expect(failures).toEqual(Array(3).fill('Failed to fetch'))
    expect(await titles()).toEqual(['third', 'second', 'first'])
  })

  test('is survived by the typed client, which repeats all but changes of fields', async () => {
    const attempts: string[] = []
    async function lossy(request: Request): Promise<Response> {
      attempts.push(request.method)
      if (attempts.length % 2 === 1) request.headers.set('prefer', 'lose=reply')
      return fetch(request)
    }
    const api = createClient({ baseUrl: sandbox.url, token, fetch: lossy })
    const taskId = '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f99'
    expect(await api.putTask({ path: { taskId }, body: { title: 'once' } })).toMatchObject({ ok: true, status: 200 })
    expect(await api.deleteTask({ path: { taskId } })).toMatchObject({ ok: false, status: 404 })
    const created = await api.createTask({ body: { title: 'twice?' } })
    expect(created).toMatchObject({ ok: true, status: 201 })
    const path = { taskId: created.ok ? created.data.id : '' }
    await expect(api.updateTask({ path, body: { title: 'once' } })).rejects.toThrow('fetch failed')
    expect(attempts).toEqual(['PUT', 'PUT', 'DELETE', 'DELETE', 'POST', 'POST', 'PATCH'])
    expect(await titles()).toEqual(['once'])
  })
})

test('a page on localhost may send Prefer', async () => {
  const headers = {
    origin: 'http://localhost:5173',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type,prefer',
  }
  for (const path of [tasks, '/sandbox/clock']) {
    const reply = await fetch(sandbox.url + path, { method: 'OPTIONS', headers })
    expect(reply.status).toBe(204)
    expect(reply.headers.get('access-control-allow-origin')).toBe('http://localhost:5173')
    expect(reply.headers.get('access-control-allow-headers')?.split(',')).toContain('prefer')
  }
})
