// The mock and the server say the same: one corpus made from the spec, sent to both.
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { cases } from '../support/checks.ts'
import { type Prism, prism, prismsOwn } from '../support/prism.ts'
import { broken, operations, resolved } from '../support/spec.ts'
import { test, tokenOf } from '../support/taskspec.ts'
import { corpus, type Sample, spellings } from './corpus.ts'

type Reply = { status: number; headers: Headers; body: unknown }
type Difference = { server: number[]; mock: (status: number) => boolean; when: (sample: Sample) => boolean; because: string }

const success = (status: number) => status >= 200 && status < 300
const query = (sample: Sample) => new URLSearchParams(sample.path.split('?')[1])

// Where the mock can't say what the server says. All else must agree.
const differences: Difference[] = [
  {
    server: [404, 201, 304, 412],
    mock: success,
    when: sample => sample.valid === true,
    because: 'The mock has no memory: it finds every id, and no condition on an ETag fails.',
  },
  {
    server: [422],
    mock: success,
    when: sample => sample.valid === true && query(sample).has('cursor'),
    because: 'The mock has no memory: every cursor will do.',
  },
  {
    server: [403],
    mock: success,
    when: sample => sample.name.endsWith('another person'),
    because: 'The mock looks whether there is a token, not whose it is.',
  },
  {
    server: [422],
    mock: success,
    when: sample => query(sample).has('unknown'),
    because: 'The mock ignores parameters that it does not know.',
  },
  {
    server: [422],
    mock: success,
    when: sample => [...query(sample).values()].includes(''),
    because: 'The mock takes an empty parameter for an absent one.',
  },
  {
    server: [422],
    mock: success,
    when: sample => spellings.includes(query(sample).get('limit') ?? ''),
    because: 'The mock takes every number that JavaScript can read, such as 0x10.',
  },
  {
    server: [422],
    mock: success,
    when: sample => sample.name.includes('timeZone="text"'),
    because: 'The mock does not know the time zones.',
  },
  {
    server: [400],
    mock: status => status === 0,
    when: sample => sample.name.endsWith('broken JSON'),
    because: 'The mock never answers a body that is not JSON.',
  },
]

let mock: Prism
beforeAll(async () => {
  mock = await prism('mock')
})
afterAll(() => mock.stop())

async function send(url: string, { method, path, headers, body, name }: Sample, token: string): Promise<Reply> {
  const named = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, value.replace('TOKEN', token)]))
  const patience = name.endsWith('broken JSON') ? 2_000 : 20_000
  const init = { method, headers: named, ...(body !== undefined && { body }), signal: AbortSignal.timeout(patience) }
  return fetch(url + path, init).then(
    async response => {
      const text = await response.text()
      const isJson = /json/.test(response.headers.get('content-type') ?? '')
      const headers = new Headers(response.headers)
      for (const name of prismsOwn) headers.delete(name)
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
  const needed = new Set<Difference>()

  test('covers every operation with what is valid and what is not', () => {
    expect(samples.length).toBeGreaterThan(1000)
    for (const operation of operations) {
      const own = samples.filter(sample => sample.operation === operation)
      expect(own.some(({ valid }) => valid === true)).toBe(true)
      expect(own.some(({ valid }) => valid === false)).toBe(true)
    }
  })

  test('gets the same answers from the mock and from the server', { timeout: 120_000 }, async ({ service }) => {
    const disagreements: string[] = []
    const todo = samples.entries()

    async function work() {
      for (const [number, sample] of todo) {
        // A person of its own for each, who has the category and the task of the examples.
        const token = await tokenOf(`parity-${number}`)
        await service.sql`insert into users (id, revision, profile_revision) values (${`parity-${number}`}, 3, 1)`
        await service.sql`
          insert into categories (owner_id, id, name, position, revision)
          values (${`parity-${number}`}, '019c5a20-6a00-7c11-8a4e-6f0a4e1d2c01', 'Existing', 0, 2)`
        await service.sql`
          insert into tasks (owner_id, id, title, priority, labels, due_date, revision)
          values (${`parity-${number}`}, '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12', 'Existing', 'none', '{}', '2027-01-01', 3)`
        const [theServers, theMocks] = await Promise.all([send(service.url, sample, token), send(mock.url, sample, token)])
        disagreements.push(...judged(sample, theServers, theMocks).map(each => `${sample.name}: ${each}`))
      }
    }
    await Promise.all(Array.from({ length: 8 }, work))
    expect(disagreements).toEqual([])
  })

  function judged(sample: Sample, server: Reply, mock: Reply): string[] {
    const known = differences.filter(each => each.server.includes(server.status) && each.mock(mock.status) && each.when(sample))
    if (server.status !== mock.status) for (const each of known) needed.add(each)
    return [
      ...(server.status === mock.status || known.length > 0 ? [] : [`the server says ${server.status}, the mock ${mock.status}`]),
      ...(sample.valid === false && server.status !== 422 ? [`is not valid, and the server says ${server.status}`] : []),
      ...(sample.valid === true && server.status === 422 && known.length === 0 ? ['is valid, and the server says 422'] : []),
      ...(sample.operation === undefined ? [] : broken(sample.operation, server).map(each => `server: ${each}`)),
      ...(sample.operation === undefined || mock.status === 0 ? [] : broken(sample.operation, mock).map(each => `mock: ${each}`)),
    ]
  }

  test('needs every difference of the list', () => {
    expect(differences.filter(each => !needed.has(each)).map(({ because }) => because)).toEqual([])
  })
})

describe('Prefer', () => {
  const replies = operations.flatMap(operation =>
    Object.entries(operation.responses).map(([status, response]) => ({ operation, status, response })),
  )

  test.for(cases(replies).map(each => [each.operation.operationId, each.status, each] as const))(
    '%s gives %s when asked for',
    async ([, , reply]) => {
      const { operation, status, response } = reply
      const plain = samples.find(({ name }) => name === `${operation.operationId}: plain`) as Sample
      const ask = (prefer: string, accept: string) => send(mock.url, { ...plain, headers: { ...plain.headers, prefer, accept } }, 'x')

      const answer = await ask(`code=${status}`, '*/*')
      expect([answer.status, broken(operation, answer)]).toEqual([Number(status), []])

      for (const [type, { examples = {} }] of Object.entries(response.content ?? {}))
        for (const [name, example] of Object.entries(examples)) {
          const answer = await ask(`code=${status}, example=${name}`, type)
          expect([answer.status, answer.body]).toEqual([Number(status), resolved(example).value])
        }
    },
  )
})
