// What clients send out of habit: a whole resource as they read it, and empty texts.
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { cases } from '../support/checks.ts'
import type { Client, Problem } from '../support/client.ts'
import { type Operation, operation, operations, resolved, type Schema } from '../support/spec.ts'
import { test } from '../support/taskspec.ts'

const merge = { 'content-type': 'application/merge-patch+json' }
const json = { 'content-type': 'application/json' }
const categoryId = '019c5a20-6a00-7c11-8a4e-6f0a4e1d2c01'
const taskId = '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12'
const task = {
  title: 'Pack',
  description: 'a',
  completed: true,
  priority: 'high',
  dueDate: '2027-03-01',
  dueTime: '09:00',
  timeZone: 'Europe/Kiev',
  labels: ['x'],
}

// Each resource: its path, and how it comes to be. A profile is there after the first read, and has no PUT.
const resources = [
  { path: '/v1/users/me', methods: ['PATCH'], first: { name: 'Ann', timeZone: 'UTC' } },
  { path: `/v1/users/me/categories/${categoryId}`, methods: ['PUT', 'PATCH'], first: { name: 'Travel', color: '#1971c2', position: 3 } },
  { path: `/v1/users/me/tasks/${taskId}`, methods: ['PUT', 'PATCH'], first: task },
] as const
type Row = Record<string, unknown> & { id: string; revision: number }

const send = (ann: Client, method: string, path: string, body: object, headers: Record<string, string> = json) =>
  ann.send(method, path, { headers, body: JSON.stringify(body) })

async function begin(ann: Client, { path, methods, first }: (typeof resources)[number]): Promise<Row> {
  await send(ann, methods[0], path, first)
  return (await ann.send('GET', path)).body as Row
}

describe.for(cases(resources.flatMap(each => each.methods.map(method => [method, each.path, each] as const))))(
  '%s %s',
  ([method, path, resource]) => {
    test('of what GET gave succeeds and changes no field', async ({ as }) => {
      const ann = await as('ann', { email: 'ann@example.com' })
      const row = await begin(ann, resource)
      const reply = await send(ann, method, path, row, { ...json, 'if-match': `"${row.revision}"` })
      expect([reply.status, reply.body]).toEqual([200, { ...row, revision: row.revision + 1, updatedAt: expect.any(String) }])
    })

    test('ignores other values of fields that only the server writes', async ({ as }) => {
      const ann = await as('ann', { email: 'ann@example.com' })
      const row = await begin(ann, resource)
      const stale = {
        email: null,
        completedAt: '2020-01-01T00:00:00Z',
        revision: 0,
        createdAt: '2020-01-01T00:00:00Z',
        updatedAt: '2020-01-01T00:00:00Z',
      }
      const sent = Object.fromEntries(Object.entries({ ...row, ...stale }).filter(([name]) => name in row))
      const { status, body } = await send(ann, method, path, sent)
      expect([status, body]).toEqual([200, { ...row, revision: row.revision + 1, updatedAt: expect.any(String) }])
    })

    test('refuses the id of another resource, and changes nothing', async ({ as }) => {
      const ann = await as('ann')
      const row = await begin(ann, resource)
      for (const id of [randomUUID(), `${row.id}x`]) {
        const { status, body } = await send(ann, method, path, { ...row, id })
        expect([status, (body as Problem).errors.map(({ pointer }) => pointer)]).toEqual([422, expect.arrayContaining(['/id'])])
      }
      expect((await ann.send('GET', path)).body).toEqual(row)
    })

    test('still refuses unknown fields, and read-only fields of another type', async ({ as }) => {
      const ann = await as('ann')
      const row = await begin(ann, resource)
      const { status, body } = await send(ann, method, path, { ...row, revision: 'x', ownerId: row.id })
      const errors = (body as Problem).errors.map(({ pointer, code }) => `${pointer} ${code}`)
      expect([status, errors.sort()]).toEqual([422, ['/ownerId unknown', '/revision type']])
    })
  },
)

test('a UUID in another case is the same id', async ({ as }) => {
  const ann = await as('ann')
  const body = { id: taskId.toUpperCase(), title: 'a' }
  expect((await ann.putTask({ path: { taskId }, body }, 201)).body.id).toBe(taskId)
  await ann.putTask({ path: { taskId: taskId.toUpperCase() }, body: { ...body, id: taskId } }, 200)
})

test('a deleted resource comes back with a PUT of what GET gave', async ({ as }) => {
  const ann = await as('ann')
  const { body } = await ann.putTask({ path: { taskId }, body: task as never })
  await ann.deleteTask({ path: { taskId } })
  expect((await ann.putTask({ path: { taskId }, body }, 201)).body).toMatchObject({ ...task, id: taskId })
})

test('a POST ignores the other read-only fields, and refuses an id with the remedy', async ({ as }) => {
  const ann = await as('ann')
  const { body: read } = await ann.createTask({ body: { title: 'a' } })
  const { id, ...rest } = read
  expect((await ann.createTask({ body: rest })).body.id).not.toBe(id)
  const { body } = await ann.createTask({ body: read }, 422)
  expect(body.errors).toEqual([{ pointer: '/id', location: 'body', code: 'readOnly', message: expect.stringContaining('PUT') }])
})

test('a PATCH of read-only fields alone changes nothing, not even the ETag', async ({ as }) => {
  const ann = await as('ann')
  const { body, etag } = await ann.putTask({ path: { taskId }, body: { title: 'a' } })
  const { id, completedAt, revision, createdAt } = body
  expect(await ann.updateTask({ path: { taskId }, body: { id, completedAt, revision, createdAt } })).toMatchObject({ body, etag })
})

test('every field of a reply may be in the bodies of its resource', () => {
  const schemaOf = ({ responses }: Operation) =>
    Object.entries(responses).find(([status]) => status.startsWith('2'))?.[1].content?.['application/json']?.schema
  // A move, a batch, a replay and a file are no resources.
  const isResource = ({ requestBody, path }: Operation) =>
    requestBody?.content['application/json'] !== undefined && !/\/(move|batch|replay)$/.test(path)
  const written = operations.filter(isResource)
  for (const { operationId } of written) {
    const one = operation(operationId)
    const fields = Object.keys(resolved(schemaOf(one) as Schema).properties ?? {})
    const accepted = resolved(one.requestBody?.content['application/json']?.schema as Schema).properties ?? {}
    expect(fields, operationId).toEqual(Object.keys(accepted))
  }
  expect(written.length).toBeGreaterThan(6)
})

describe('an empty text', () => {
  test.for([
    ['PATCH', '/v1/users/me', { name: '', timeZone: '' }],
    ['POST', '/v1/users/me/categories', { name: 'Home', color: '' }],
    ['PUT', `/v1/users/me/categories/${categoryId}`, { name: 'Travel', color: '' }],
    ['PATCH', `/v1/users/me/categories/${categoryId}`, { color: '' }],
    ['POST', '/v1/users/me/tasks', { title: 'a', description: '', timeZone: '' }],
    ['PUT', `/v1/users/me/tasks/${taskId}`, { title: 'a', description: '', timeZone: '' }],
    ['PATCH', `/v1/users/me/tasks/${taskId}`, { description: '', timeZone: '' }],
  ] as const)('in a field that can be null is stored as null: %s %s', async ([method, path, sent], { as }) => {
    const ann = await as('ann', { name: 'Ann' })
    for (const resource of resources) await begin(ann, resource)
    const { status, body } = await send(ann, method, path, sent, method === 'PATCH' ? merge : json)
    expect([200, 201]).toContain(status)
    for (const [name, value] of Object.entries(sent)) expect((body as Row)[name], name).toBe(value === '' ? null : value)
  })

  test.for(['title', 'dueDate', 'dueTime', 'categoryId', 'priority', 'completed'])('is refused as %s', async (name, { as }) => {
    const ann = await as('ann')
    const { body } = await ann.createTask({ body: { title: 'a', dueDate: '2027-03-01', [name]: '' } }, 422)
    expect(body.errors.map(({ pointer }) => pointer)).toContain(`/${name}`)
  })

  test('is another text than a blank one, which stays as it is', async ({ as }) => {
    const ann = await as('ann')
    expect((await ann.createTask({ body: { title: 'a', description: ' ' } })).body.description).toBe(' ')
  })
})

describe('clearing dueDate', () => {
  const due = { title: 'a', dueDate: '2027-03-01', dueTime: '09:00', timeZone: 'Europe/Helsinki' }

  test('clears dueTime, and keeps timeZone', async ({ as }) => {
    const ann = await as('ann')
    const { body: before } = await ann.putTask({ path: { taskId }, body: due })
    const { body } = await ann.updateTask({ path: { taskId }, body: { dueDate: null } })
    expect(body).toEqual({ ...before, dueDate: null, dueTime: null, revision: before.revision + 1, updatedAt: body.updatedAt })
    expect((await ann.updateTask({ path: { taskId }, body: { dueDate: null } })).body).toMatchObject({ dueDate: null, dueTime: null })
  })

  test('with dueTime null is the same, and with a dueTime is refused', async ({ as }) => {
    const ann = await as('ann')
    await ann.putTask({ path: { taskId }, body: due })
    const { body } = await ann.updateTask({ path: { taskId }, body: { dueDate: null, dueTime: '10:00' } }, 422)
    expect(body.errors).toMatchObject([{ pointer: '/dueTime', code: 'needsDueDate' }])
    await ann.updateTask({ path: { taskId }, body: { dueDate: null, dueTime: null } })
    await ann.updateTask({ path: { taskId }, body: { dueTime: '10:00' } }, 422)
  })

  test('moving it to another day keeps dueTime', async ({ as }) => {
    const ann = await as('ann')
    await ann.putTask({ path: { taskId }, body: due })
    expect((await ann.updateTask({ path: { taskId }, body: { dueDate: '2027-03-02' } })).body.dueTime).toBe('09:00')
  })
})
