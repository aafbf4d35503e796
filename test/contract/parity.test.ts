// The mock and the server give equal replies to one corpus of requests, which is generated from the spec.
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type MockDifference, mockDifferences } from '../../src/dev/mock-differences.ts'
import { cases } from '../support/checks.ts'
import { textOf } from '../support/events.ts'
import { closing, type Prism, prism, prismHeaders } from '../support/prism.ts'
import { operations, resolved, violations } from '../support/spec.ts'
import { test, tokenOf } from '../support/taskspec.ts'
import { corpus, type Sample, spellings, transport, unknownToTools } from './corpus.ts'

type Reply = { status: number; headers: Headers; body: unknown }
type Difference = { server: number[]; mock: (status: number) => boolean; when: (sample: Sample) => boolean }

const success = (status: number) => status >= 200 && status < 300
const query = (sample: Sample) => new URLSearchParams(sample.path.split('?')[1])

const http = (...names: string[]) => {
  const all = names.map(name => `HTTP: ${name}`)
  return ({ name }: Sample) => all.includes(name)
}
const conditions = http('If-Match of another version for GET', 'If-None-Match: * for PATCH', 'Content-Range for PUT')

// Replies of the mock that may differ from those of the server. All others must agree.
const differences: Record<Exclude<MockDifference, 'origins'>, Difference[]> = {
  state: [
    { server: [404, 201, 304, 412], mock: success, when: sample => sample.valid === true },
    { server: [422], mock: success, when: sample => sample.valid === true && query(sample).has('cursor') },
    { server: [304, 409, 422], mock: success, when: http('a document again', 'a duplicate name', 'an unknown category') },
    {
      server: [409, 422],
      mock: success,
      when: sample => sample.valid === true && /field (parentId|before|after)|example (subtask|move|before|below)/.test(sample.name),
    },
    { server: [409], mock: success, when: ({ operation, valid }) => operation?.operationId === 'replayWebhook' && valid === true },
    { server: [400, 412], mock: success, when: conditions },
  ],
  token: [
    { server: [403], mock: success, when: sample => sample.name.endsWith('another user') },
    { server: [401, 403], mock: success, when: http('a token that is no JWT', 'a user id with a dot') },
    { server: [200], mock: status => status === 401, when: http('the scheme in lower case') },
  ],
  unknownParameters: [{ server: [422], mock: success, when: sample => query(sample).has('unknown') }],
  emptyParameters: [{ server: [422], mock: success, when: sample => [...query(sample).values()].includes('') }],
  relevance: [{ server: [422], mock: success, when: sample => query(sample).get('sort') === 'relevance' && !query(sample).has('q') }],
  numbers: [{ server: [422], mock: success, when: sample => spellings.includes(query(sample).get('limit') ?? '') }],
  rules: [{ server: [422], mock: success, when: http('a rule that is refused') }],
  timeZones: [{ server: [422], mock: success, when: sample => /timeZone="(text|BST|europe\/kiev)"/.test(sample.name) }],
  sortKeys: [{ server: [422], mock: success, when: sample => /sortKey="(a00|b0|text|A0+)"/.test(sample.name) }],
  webhookUrls: [{ server: [422], mock: success, when: http('a webhook without TLS') }],
  formats: [
    {
      server: [422],
      mock: success,
      when: sample =>
        unknownToTools.some(text => sample.name.includes(JSON.stringify(text)) || query(sample).getAll('label').includes(text)),
    },
  ],
  ids: [{ server: [422], mock: success, when: sample => sample.name.includes('field id=') }],
  encoding: [{ server: [400], mock: success, when: http('a query that is no UTF-8', 'a body that is no UTF-8') }],
  brokenJson: [{ server: [400], mock: status => status === 0, when: sample => sample.name.endsWith('broken JSON') }],
  bodies: [
    { server: [415], mock: success, when: http('a body in Latin-1', 'a media type with +json', 'a compressed body') },
    { server: [413], mock: status => status === 422, when: http('a body above 1 MiB') },
  ],
  unexpectedBodies: [
    { server: [204, 415], mock: status => status === 422, when: http('a body for DELETE', 'a body without a media type') },
  ],
  headers: [{ server: [200], mock: status => status === 431, when: http('headers above 16 KiB') }],
  methods: [
    { server: [200], mock: status => status === 405, when: sample => sample.method === 'HEAD' },
    { server: [204], mock: status => status === 405, when: http('OPTIONS without an origin') },
    { server: [501], mock: status => status === 400, when: http('an unknown method') },
  ],
  accept: [{ server: [200], mock: status => status === 406, when: sample => sample.headers.accept !== undefined }],
  paths: [{ server: [200, 404], mock: status => status === 422, when: http('a slash at the end', 'an encoded letter') }],
}

let mock: Prism
beforeAll(async () => {
  mock = await prism('mock')
})
afterAll(() => mock.stop())

async function send(url: string, { method, path, headers, body }: Sample, token: string, timeoutMs = 60_000): Promise<Reply> {
  const headersWithToken = Object.entries(headers).map(([key, value]) => [key, value.replace('TOKEN', token)])
  const init = {
    method,
    headers: { ...Object.fromEntries(headersWithToken), ...closing },
    ...(body !== undefined && { body }),
    signal: AbortSignal.timeout(timeoutMs),
  }
  return fetch(url + path, init).then(
    async response => {
      const text = await textOf(response)
      const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '')
      const headers = new Headers(response.headers)
      for (const name of prismHeaders) headers.delete(name)
      return { status: response.status, headers, body: text === '' ? undefined : isJson ? JSON.parse(text) : text }
    },
    error => {
      if (error.name !== 'TimeoutError') throw error
      return { status: 0, headers: new Headers(), body: undefined }
    },
  )
}

const samples = [...corpus(), ...transport()]

describe('the corpus', () => {
  const used = new Set<Difference>()

  test('has valid and invalid requests for every operation', () => {
    expect(samples.length).toBeGreaterThan(1000)
    for (const operation of operations) {
      const own = samples.filter(sample => sample.operation === operation)
      expect(own.some(({ valid }) => valid === true)).toBe(true)
      expect(own.some(({ valid }) => valid === false)).toBe(true)
    }
  })

  test('gets the same replies from the mock and from the server', { timeout: 300_000 }, async ({ service }) => {
    const disagreements: string[] = []
    const queue = samples.entries()
    // An account for each sample, with the category, the task, the label and the item of the trash of the examples.
    const { sql } = service
    // The calendar of the link in the examples.
    await sql`insert into users (id, revision, profile_revision) values ('alice', 3, 1)`
    await sql`
      insert into calendars (owner_id, id, name, kind, token_hash, revision)
      values ('alice', gen_random_uuid(), 'Existing', 'todo', sha256('YWxpY2U.c2FtcGxlLXNlY3JldC1vZi0yNTYtcmFuZG9tLWJpdHM'), 3)`
    const number = sql`generate_series(0, ${samples.length - 1}::int) as number`
    await sql`insert into users (id, revision, profile_revision) select 'parity-' || number, 3, 1 from ${number}`
    await sql`
      insert into categories (owner_id, id, name, position, revision)
      select 'parity-' || number, '019c5a20-6a00-7c11-8a4e-6f0a4e1d2c01', 'Existing', 0, 2 from ${number}`
    await sql`
      insert into calendars (owner_id, id, name, kind, token_hash, revision)
      select 'parity-' || number, '019c5a21-5e6f-7b12-9c34-8d5e6f7a0c08', 'Existing', 'todo', '', 3 from ${number}`
    await sql`
      insert into webhooks (owner_id, id, url, kinds, secret, delivered_revision, revision)
      select 'parity-' || number, '019c5a21-7a8b-7d34-8e56-9f7a8b9c0d0a', 'https://example.com', '{task}', 'x', 3, 3 from ${number}`
    await sql`
      insert into tasks (owner_id, id, title, priority, labels, due_date, recurrence, revision)
      select 'parity-' || number, '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12', 'Existing', 'none', '{travel}', '2027-01-01',
        '{"rule":"FREQ=DAILY","from":"due"}', 3 from ${number}`
    await sql`
      insert into tasks (owner_id, id, title, priority, labels, revision, deleted_at)
      select 'parity-' || number, '019c5a20-ee00-7f55-8a61-5e7a9cbd3f05', 'Deleted', 'none', '{}', 3, now() from ${number}`

    async function work() {
      for (const [number, sample] of queue) {
        const token = await tokenOf(`parity-${number}`)
        // The mock never replies to broken JSON.
        const mockTimeoutMs = sample.name.endsWith('broken JSON') ? 2_000 : undefined
        const [serverReply, mockReply] = await Promise.all([send(service.url, sample, token), send(mock.url, sample, token, mockTimeoutMs)])
        disagreements.push(...compare(sample, serverReply, mockReply).map(each => `${sample.name}: ${each}`))
      }
    }
    await Promise.all(Array.from({ length: 8 }, work))
    expect(disagreements).toEqual([])
  })

  function compare(sample: Sample, server: Reply, mock: Reply): string[] {
    const allowed = Object.values(differences)
      .flat()
      .filter(each => each.server.includes(server.status) && each.mock(mock.status) && each.when(sample))
    if (server.status !== mock.status) for (const each of allowed) used.add(each)
    return [
      ...(server.status === mock.status || allowed.length > 0 ? [] : [`the server returned ${server.status}, the mock ${mock.status}`]),
      ...(sample.valid === false && server.status !== 422 ? [`is not valid, and the server returned ${server.status}`] : []),
      ...(sample.valid === true && server.status === 422 && allowed.length === 0 ? ['is valid, and the server returned 422'] : []),
      ...(sample.operation === undefined ? [] : violations(sample.operation, server).map(each => `server: ${each}`)),
      ...(sample.operation === undefined || mock.status === 0 ? [] : violations(sample.operation, mock).map(each => `mock: ${each}`)),
    ]
  }

  test('needs every allowed difference', () => {
    const unused = Object.entries(differences).filter(([, each]) => !each.some(one => used.has(one)))
    expect(unused.map(([name]) => name)).toEqual([])
  })
})

describe('CORS', () => {
  const names = ['allow-origin', 'allow-credentials', 'allow-headers', 'expose-headers']
  async function ask(url: string, method: string, origin: string) {
    const preflight = { 'access-control-request-method': 'PATCH', 'access-control-request-headers': 'authorization,if-match' }
    const init = { method, headers: { origin, ...closing, ...(method === 'OPTIONS' && preflight) } }
    const { status, headers } = await fetch(`${url}/v1/users/me/tasks`, init)
    const [allowed, credentials, requested, exposed] = names.map(name => headers.get(`access-control-${name}`))
    const methods = headers.get('access-control-allow-methods') ?? ''
    return { status, allowed, credentials, exposed, ...(method === 'OPTIONS' && { requested, patch: methods.includes('PATCH') }) }
  }

  test.for(['GET', 'OPTIONS'])('an allowed origin may do the same on the mock and on the server: %s', async (method, { service }) => {
    const [server, ours] = await Promise.all([service.url, mock.url].map(url => ask(url, method, 'http://localhost:5173')))
    expect({ ...server, exposed: '' }).toEqual({ ...ours, exposed: '' })
    expect(server).toMatchObject({ allowed: 'http://localhost:5173', credentials: 'true' })
  })

  test('the mock differs as its list says: it allows every origin, and exposes headers only without credentials', async ({ service }) => {
    expect(mockDifferences.origins).toBeDefined()
    const [server, ours] = await Promise.all([service.url, mock.url].map(url => ask(url, 'GET', 'https://app.example')))
    expect([server?.allowed, ours?.allowed]).toEqual([null, 'https://app.example'])
    expect([server?.exposed?.includes('ETag'), ours?.exposed]).toEqual([true, '*'])
  })
})

describe('Prefer', () => {
  const replies = operations.flatMap(operation =>
    Object.entries(operation.responses)
      // The replies that any request can get are the same for each operation.
      .filter(([, response]) => !response['x-any-request'] || operation === operations[0])
      .map(([status, response]) => ({ operation, status, response })),
  )

  test.for(cases(replies).map(each => [each.operation.operationId, each.status, each] as const))(
    '%s returns %s on request',
    async ([, , { operation, status, response }]) => {
      const plain = samples.find(({ name }) => name === `${operation.operationId}: plain`) as Sample
      const request = (prefer: string, accept: string) => send(mock.url, { ...plain, headers: { ...plain.headers, prefer, accept } }, 'x')

      const reply = await request(`code=${status}`, '*/*')
      expect([reply.status, violations(operation, reply)]).toEqual([Number(status), []])

      for (const [type, { examples = {} }] of Object.entries(response.content ?? {}))
        for (const [name, example] of Object.entries(examples)) {
          const reply = await request(`code=${status}, example=${name}`, type)
          expect([reply.status, reply.body]).toEqual([Number(status), resolved(example).value])
        }
    },
  )
})
