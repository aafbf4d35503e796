// The mock and the server give equal replies to one corpus of requests, which is generated from the spec.
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { cases } from '../support/checks.ts'
import { type Prism, prism, prismHeaders } from '../support/prism.ts'
import { operations, resolved, violations } from '../support/spec.ts'
import { test, tokenOf } from '../support/taskspec.ts'
import { corpus, type Sample, spellings, unknownToTools } from './corpus.ts'

type Reply = { status: number; headers: Headers; body: unknown }
type Difference = { server: number[]; mock: (status: number) => boolean; when: (sample: Sample) => boolean; reason: string }

const success = (status: number) => status >= 200 && status < 300
const query = (sample: Sample) => new URLSearchParams(sample.path.split('?')[1])

// Replies of the mock that may differ from those of the server, each with the reason. All others must agree.
const differences: Difference[] = [
  {
    server: [404, 201, 304, 412],
    mock: success,
    when: sample => sample.valid === true,
    reason: 'The mock has no state: it finds every id, and no condition on an ETag fails.',
  },
  {
    server: [422],
    mock: success,
    when: sample => sample.valid === true && query(sample).has('cursor'),
    reason: 'The mock has no state: it accepts every cursor.',
  },
  {
    server: [403],
    mock: success,
    when: sample => sample.name.endsWith('another user'),
    reason: 'The mock checks that there is a token, but not its user.',
  },
  {
    server: [422],
    mock: success,
    when: sample => query(sample).has('unknown'),
    reason: 'The mock ignores unknown parameters.',
  },
  {
    server: [422],
    mock: success,
    when: sample => [...query(sample).values()].includes(''),
    reason: 'The mock treats an empty parameter as absent.',
  },
  {
    server: [422],
    mock: success,
    when: sample => spellings.includes(query(sample).get('limit') ?? ''),
    reason: 'The mock accepts every number that JavaScript can parse, such as 0x10.',
  },
  {
    server: [422],
    mock: success,
    when: sample => /timeZone="(text|BST|europe\/kiev)"/.test(sample.name),
    reason: 'The mock does not check time zones.',
  },
  {
    server: [422],
    mock: success,
    when: sample => unknownToTools.some(text => sample.name.includes(JSON.stringify(text)) || query(sample).getAll('label').includes(text)),
    reason: 'The mock does not know the formats of text: it accepts lone surrogates, and invisible characters alone.',
  },
  {
    server: [422],
    mock: success,
    when: sample => sample.name.includes('field id='),
    reason: 'The mock does not compare an id in the body with the path.',
  },
  {
    server: [400],
    mock: status => status === 0,
    when: sample => sample.name.endsWith('broken JSON'),
    reason: 'The mock never replies to a body that is not JSON.',
  },
]

let mock: Prism
beforeAll(async () => {
  mock = await prism('mock')
})
afterAll(() => mock.stop())

async function send(url: string, { method, path, headers, body }: Sample, token: string, timeoutMs = 60_000): Promise<Reply> {
  const headersWithToken = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, value.replace('TOKEN', token)]))
  const init = { method, headers: headersWithToken, ...(body !== undefined && { body }), signal: AbortSignal.timeout(timeoutMs) }
  return fetch(url + path, init).then(
    async response => {
      const text = await response.text()
      const isJson = /json/.test(response.headers.get('content-type') ?? '')
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

const samples = corpus()

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

  test('gets the same replies from the mock and from the server', { timeout: 120_000 }, async ({ service }) => {
    const disagreements: string[] = []
    const queue = samples.entries()
    // An account for each sample, with the category and the task of the examples.
    const { sql } = service
    const number = sql`generate_series(0, ${samples.length - 1}::int) as number`
    await sql`insert into users (id, revision, profile_revision) select 'parity-' || number, 3, 1 from ${number}`
    await sql`
      insert into categories (owner_id, id, name, position, revision)
      select 'parity-' || number, '019c5a20-6a00-7c11-8a4e-6f0a4e1d2c01', 'Existing', 0, 2 from ${number}`
    await sql`
      insert into tasks (owner_id, id, title, priority, labels, due_date, revision)
      select 'parity-' || number, '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12', 'Existing', 'none', '{}', '2027-01-01', 3 from ${number}`

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
    const allowed = differences.filter(each => each.server.includes(server.status) && each.mock(mock.status) && each.when(sample))
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
    expect(differences.filter(each => !used.has(each)).map(({ reason }) => reason)).toEqual([])
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
