// Conditional requests (RFC 9110, section 13): every method of every resource.
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { cases } from '../support/checks.ts'
import type { Client } from '../support/client.ts'
import { test } from '../support/taskspec.ts'

const json = { 'content-type': 'application/json' }
const root = '/v1/users/me'

/** A resource that exists, and how it is written. */
type Resource = { path: string; input: object; patch: object }
const resources: Record<string, (ann: Client) => Promise<Resource>> = {
  async 'a task'(ann) {
    const { body } = await ann.createTask({ body: { title: 'before' } })
    return { path: `${root}/tasks/${body.id}`, input: { title: 'after' }, patch: { title: 'after' } }
  },
  async 'a category'(ann) {
    const { body } = await ann.createCategory({ body: { name: 'before' } })
    return { path: `${root}/categories/${body.id}`, input: { name: 'after' }, patch: { name: 'after' } }
  },
  async 'the profile'(ann) {
    await ann.getUser()
    return { path: root, input: {}, patch: { name: 'after' } }
  },
}
const lists = { tasks: { title: 'new' }, categories: { name: 'new' } }
const names = Object.keys(resources)

async function asker(ann: Client) {
  const ask = async (method: string, path: string, headers: Record<string, string>, body?: object) => {
    const init = body === undefined ? { headers } : { headers: { ...headers, ...json }, body: JSON.stringify(body) }
    const reply = await ann.send(method, path, init)
    return { status: reply.status, etag: reply.headers.get('etag'), body: reply.body }
  }
  return { ask, etagOf: async (path: string) => (await ask('GET', path, {})).etag as string }
}

// `now` stands for the current ETag, and `old` for another one.
const reads: [headers: Record<string, string>, status: number][] = [
  [{ 'If-Match': 'now' }, 200],
  [{ 'If-Match': 'old, now' }, 200],
  [{ 'If-Match': '*' }, 200],
  [{ 'If-Match': 'old' }, 412],
  [{ 'If-Match': 'W/now' }, 412],
  [{ 'If-None-Match': 'W/now' }, 304],
  [{ 'If-None-Match': '*' }, 304],
  [{ 'If-None-Match': 'old' }, 200],
  [{ 'If-Match': 'now', 'If-None-Match': 'now' }, 304],
  [{ 'If-Match': 'old', 'If-None-Match': 'now' }, 412],
  [{ 'If-Match': 'now, *' }, 422],
  [{ 'If-None-Match': '42' }, 422],
  [{ 'If-Modified-Since': 'Fri, 01 Jan 2100 00:00:00 GMT', 'If-Unmodified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 200],
  [{ 'If-Range': 'now', Range: 'bytes=0-1' }, 200],
]

const written = (headers: Record<string, string>, etag: string) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replaceAll('now', etag).replaceAll('old', '"7"')]))

describe.each([...names, ...Object.keys(lists)])('a read of %s', name => {
  test('evaluates If-Match, then If-None-Match', async ({ as }) => {
    const ann = await as('ann')
    const { ask, etagOf } = await asker(ann)
    const { path } = (await resources[name]?.(ann)) ?? { path: `${root}/${name}` }
    const etag = await etagOf(path)
    for (const [headers, status] of reads)
      for (const method of ['GET', 'HEAD']) {
        const reply = await ask(method, path, written(headers, etag))
        expect([method, headers, reply.status, reply.etag]).toEqual([method, headers, status, status === 422 ? null : etag])
      }
  })
})

test.for(['/openapi.json', '/openapi.yaml', '/docs', '/docs/docs.css'])('a read of %s evaluates them too', async (path, { anonymous }) => {
  const { ask, etagOf } = await asker(anonymous)
  const etag = await etagOf(path)
  for (const [headers, status] of reads)
    expect([headers, (await ask('GET', path, written(headers, etag))).status]).toEqual([headers, status])
})

const changes: [headers: Record<string, string>, allowed: boolean][] = [
  [{ 'If-Match': 'old' }, false],
  [{ 'If-Match': 'W/now' }, false],
  [{ 'If-None-Match': '*' }, false],
  [{ 'If-None-Match': 'now' }, false],
  [{ 'If-None-Match': 'old, W/now' }, false],
  [{ 'If-Match': 'now', 'If-None-Match': 'now' }, false],
  [{ 'If-Match': '*', 'If-None-Match': '*' }, false],
  [{ 'If-Match': 'old', 'If-None-Match': 'old' }, false],
  [{ 'If-Match': 'now, old', 'If-None-Match': 'old' }, true],
  [{ 'If-None-Match': 'old' }, true],
]
const methods = ['PATCH', 'PUT', 'DELETE'] as const

const hasMethod = ([method, name]: readonly [string, string]) => method !== 'PUT' || name !== 'the profile'
const changeable = names.flatMap(name => methods.map(method => [method, name] as const)).filter(hasMethod)

describe.each(cases(changeable))('%s of %s', (method, name) => {
  test('is made only if the conditions hold', async ({ as }) => {
    const ann = await as('ann')
    const { ask, etagOf } = await asker(ann)
    for (const [headers, allowed] of changes) {
      const { path, input, patch } = await (resources[name] as (typeof resources)[string])(ann)
      const etag = await etagOf(path)
      const account = await etagOf(`${root}/tasks`)
      const body = { PATCH: patch, PUT: input, DELETE: undefined }[method]
      const reply = await ask(method, path, written(headers, etag), body)
      const success = method === 'DELETE' ? 204 : 200
      expect([headers, reply.status]).toEqual([headers, allowed ? success : 412])
      if (allowed) expect(await etagOf(`${root}/tasks`)).not.toBe(account)
      else expect([reply.etag, await etagOf(`${root}/tasks`)]).toEqual([etag, account])
      if (name !== 'the profile') await ask('DELETE', path, {}) // another category takes its name
    }
  })
})

test('a PATCH that changes nothing evaluates its conditions', async ({ as }) => {
  const ann = await as('ann')
  const { ask, etagOf } = await asker(ann)
  for (const make of Object.values(resources)) {
    const { path } = await make(ann)
    const etag = await etagOf(path)
    for (const [headers, allowed] of changes)
      expect([headers, (await ask('PATCH', path, written(headers, etag), {})).status]).toEqual([headers, allowed ? 200 : 412])
  }
})

describe.each(cases(Object.entries(lists)))('POST to %s', (name, body) => {
  test('evaluates the conditions for the list', async ({ as }) => {
    const { ask, etagOf } = await asker(await as('ann'))
    const path = `${root}/${name}`
    const before = await etagOf(path)
    expect(before).toBe('"0"')
    for (const [headers, allowed] of changes) {
      const etag = await etagOf(path)
      const reply = await ask('POST', path, written(headers, etag), allowed ? { ...body } : body)
      expect([headers, reply.status]).toEqual([headers, allowed ? 201 : 412])
      if (!allowed) expect([reply.etag, await etagOf(path)]).toEqual([etag, etag])
      else expect((await ask('DELETE', `${path}/${(reply.body as { id: string }).id}`, {})).status).toBe(204)
    }
    const etag = await etagOf(path)
    for (const header of ['old', 'W/now']) expect((await ask('POST', path, written({ 'If-Match': header }, etag), body)).status).toBe(412)
    expect((await ask('POST', path, { 'If-Match': etag }, body)).status).toBe(201)
    expect((await ask('POST', path, { 'If-Match': etag }, body)).status).toBe(412)
  })

  test('with one ETag, of eight concurrent requests exactly one creates', async ({ as }) => {
    const { ask, etagOf } = await asker(await as('ann'))
    const path = `${root}/${name}`
    await ask('GET', root, {})
    const etag = await etagOf(path)
    const field = Object.keys(body)[0] as string
    const replies = await Promise.all(Array.from({ length: 8 }, (_, i) => ask('POST', path, { 'If-Match': etag }, { [field]: `${i}` })))
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 412, 412, 412, 412, 412, 412, 412])
    expect(((await ask('GET', path, {})).body as { items: object[] }).items).toHaveLength(1)
  })
})

test('of eight concurrent PUTs that except the current ETag, none replaces', async ({ as }) => {
  const ann = await as('ann')
  const { ask, etagOf } = await asker(ann)
  const { path, input } = await (resources['a task'] as (typeof resources)[string])(ann)
  const etag = await etagOf(path)
  const replies = await Promise.all(Array.from({ length: 8 }, () => ask('PUT', path, { 'If-None-Match': etag }, input)))
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([412]))
  expect(await etagOf(path)).toBe(etag)
})

describe('conditions are not evaluated where the reply would be an error without them', () => {
  const cursor = (sort: string, key: unknown) => Buffer.from(JSON.stringify([sort, key, randomUUID()])).toString('base64url')

  test.for([
    [`tasks?cursor=${cursor('title', 'x')}`],
    [`tasks?sort=dueDate&cursor=${cursor('dueDate', 'no date')}`],
    ['tasks?cursor=forged'],
    ['categories?cursor=forged'],
    ['tasks?limit=0'],
  ])('%s is 422', async ([path], { as }) => {
    const { ask, etagOf } = await asker(await as('ann'))
    const etag = await etagOf(`${root}/tasks`)
    for (const headers of [{ 'If-None-Match': etag }, { 'If-None-Match': '*' }, { 'If-Match': '"7"' }])
      expect([headers, (await ask('GET', `${root}/${path}`, headers)).status]).toEqual([headers, 422])
  })

  test('a valid cursor is 304 or 412, as the conditions say', async ({ as }) => {
    const ann = await as('ann')
    const { ask } = await asker(ann)
    for (const title of ['a', 'b']) await ann.createTask({ body: { title } })
    const { etag, body } = await ann.listTasks({ query: { limit: 1 } })
    const path = `${root}/tasks?limit=1&cursor=${body.nextCursor}`
    expect((await ask('GET', path, { 'If-None-Match': etag })).status).toBe(304)
    expect((await ask('GET', path, { 'If-Match': etag })).status).toBe(200)
    expect((await ask('GET', path, { 'If-Match': '"7"' })).status).toBe(412)
  })

  test.for(['tasks', 'categories'] as const)('an unknown id below %s is 404, except that a PUT creates it', async (name, { as }) => {
    const { ask } = await asker(await as('ann'))
    const path = () => `${root}/${name}/${randomUUID()}`
    const all = [{ 'If-Match': '"7"' }, { 'If-Match': '*' }, { 'If-None-Match': '"7"' }, { 'If-None-Match': '*' }]
    for (const headers of all) {
      for (const method of ['GET', 'HEAD', 'DELETE']) expect((await ask(method, path(), headers)).status).toBe(404)
      for (const body of [{}, lists[name]]) expect((await ask('PATCH', path(), headers, body)).status).toBe(404)
      const created = await ask('PUT', path(), headers, { ...lists[name], ...(name === 'categories' && { name: randomUUID() }) })
      expect([headers, created.status]).toEqual([headers, 'If-Match' in headers ? 412 : 201])
    }
  })

  test('an account that does not exist is erased with If-None-Match, and not with If-Match', async ({ as }) => {
    const { ask } = await asker(await as('ann'))
    for (const header of ['"7"', '*']) {
      expect((await ask('DELETE', root, { 'If-None-Match': header })).status).toBe(204)
      expect(await ask('DELETE', root, { 'If-Match': header })).toMatchObject({ status: 412, etag: null })
    }
  })

  test('403, 404 of a path, 405, 413 and 415 stay', async ({ as }) => {
    const ann = await as('ann')
    const headers = { 'If-Match': '"7"', 'If-None-Match': '*' }
    const status = async (method: string, path: string, init: { headers?: object; body?: string } = {}) =>
      (await ann.send(method, path, { ...init, headers: { ...headers, ...init.headers } })).status
    expect(await status('GET', '/v1/users/bob/tasks')).toBe(403)
    expect(await status('GET', '/nowhere')).toBe(404)
    expect(await status('DELETE', `${root}/tasks`)).toBe(405)
    expect(await status('PATCH', root, { headers: { 'content-type': 'text/plain' }, body: '{}' })).toBe(415)
    expect(await status('PATCH', root, { headers: json, body: ' '.repeat(2 ** 20 + 1) })).toBe(413)
    expect(await status('GET', '/livez')).toBe(200)
  })
})

describe('PUT with Content-Range', () => {
  test('is 400 and changes nothing; other methods ignore it', async ({ as }) => {
    const ann = await as('ann')
    const { ask, etagOf } = await asker(ann)
    const range = { 'Content-Range': 'bytes 0-9/20' }
    for (const make of [resources['a task'], resources['a category']]) {
      const { path, input, patch } = await (make as (typeof resources)[string])(ann)
      const etag = await etagOf(path)
      expect(await ask('PUT', path, range, input)).toMatchObject({ status: 400, body: { type: '/problems/malformed-request' } })
      expect(await etagOf(path)).toBe(etag)
      expect((await ask('PATCH', path, range, patch)).status).toBe(200)
    }
  })
})
