// Deprecations of a later spec are announced: the real pipeline and app over a spec with deprecated parts.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { document } from '../../src/contract/document.ts'
import type { Handlers } from '../../src/contract/types.ts'
import { createApp } from '../../src/http/app.ts'
import { createShedding } from '../../src/http/shedding.ts'
import { createLog } from '../../src/observe/log.ts'
import { createPipeline } from '../../src/pipeline/pipeline.ts'
import { operations as declared } from '../support/spec.ts'

const deprecated = (since: string, end: string) => ({ deprecated: true, 'x-deprecated-at': since, 'x-sunset-at': end })
const headers = { deprecation: '@1798761600', sunset: 'Thu, 01 Jul 2027 00:00:00 GMT' } // from 2027-01-01 until 2027-07-01

const spec = structuredClone(document) as never as {
  paths: Record<string, Record<string, { deprecated?: boolean; parameters: { name?: string }[] }>>
  components: { schemas: Record<string, { properties: Record<string, object> }> }
}
const halfYear = deprecated('2027-01-01', '2027-07-01')
Object.assign(spec.paths['/v1/users/{userId}']?.delete as object, halfYear)
Object.assign(spec.paths['/v1/users/{userId}/tasks']?.get?.parameters.find(({ name }) => name === 'q') as object, halfYear)
Object.assign(spec.components.schemas.TaskInput?.properties as object, {
  timeZone: { type: ['string', 'null'], default: null, ...halfYear },
})
Object.assign(spec.components.schemas.Category?.properties as object, {
  color: { type: ['string', 'null'], ...deprecated('2027-06-01', '2028-01-01') },
  position: { type: 'integer' }, // deprecated in the real spec
})

const server = createServer()
let url: string
beforeAll(async () => {
  const answer = async () => ({ status: 200, body: {} })
  const handlers = Object.fromEntries(declared.map(({ operationId }) => [operationId, answer])) as never as Handlers
  const authenticate = async () => ({ id: 'ann', claims: { email: null, name: null }, expiresAt: Number.MAX_SAFE_INTEGER })
  const replies = {} as never // no request has an Idempotency-Key
  const operations = await createPipeline({ document: spec as never, handlers, authenticate, replies, rateLimit: async () => ({}) })
  const log = createLog('silent')
  server.on(
    'request',
    createApp({
      operations,
      log,
      metrics: null,
      shedding: createShedding(log),
      version: '1.2.3',
      corsOrigins: null,
      stopping: new AbortController().signal,
      trustProxy: 0,
    }),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}/v1/users/me`
})
afterAll(() => void server.close())

async function announcedBy(method: string, path: string, body?: object) {
  const reply = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { deprecation: reply.headers.get('deprecation'), sunset: reply.headers.get('sunset') }
}
const nothing = { deprecation: null, sunset: null }

describe('a deprecation is announced', () => {
  test('for an operation on every reply, also on a problem', async () => {
    expect(await announcedBy('DELETE', '')).toEqual(headers)
    expect(await announcedBy('DELETE', '?unknown=1')).toEqual(headers)
    expect(await announcedBy('GET', '')).toEqual(nothing)
  })

  test('for a parameter where it is used', async () => {
    expect(await announcedBy('GET', '/tasks?q=a')).toEqual(headers)
    expect(await announcedBy('GET', '/tasks')).toEqual(nothing)
  })

  test('for a field of a body where it is sent', async () => {
    expect(await announcedBy('POST', '/tasks', { title: 'a', timeZone: 'UTC' })).toEqual(headers)
    expect(await announcedBy('POST', '/tasks', { title: 'a' })).toEqual(nothing)
  })

  test('for a field of a reply, also in a list', async () => {
    const later = { deprecation: '@1811808000', sunset: 'Sat, 01 Jan 2028 00:00:00 GMT' }
    expect(await announcedBy('GET', '/categories/019c5a20-6a00-7c11-8a4e-6f0a4e1d2c01')).toEqual(later)
    expect(await announcedBy('GET', '/categories')).toEqual(later)
  })
})

test('every reply has the version of the spec', async () => {
  for (const path of ['', '/nowhere', '?unknown=1']) expect((await fetch(url + path)).headers.get('x-api-version')).toBe('1.2.3')
})
