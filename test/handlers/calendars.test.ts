// Calendars: the secret link, which one reply has, and what a user does with a calendar. test/handlers/feeds.test.ts reads the link.
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { client } from '../support/client.ts'
import { start, test, tokenOf } from '../support/taskspec.ts'

const link = /^\/v1\/calendars\/([\w-]+)\.([\w-]{43})\.ics$/

describe('createCalendar', () => {
  test('returns the link, and the calendar with its defaults', async ({ as }) => {
    const ann = await as('ann')
    const { status, body, headers, etag } = await ann.createCalendar({ body: { name: 'Plans' } })
    expect(status).toBe(201)
    expect(body).toMatchObject({ name: 'Plans', kind: 'todo', categoryIds: null, labels: null, lastUsedAt: null })
    expect(headers.get('location')).toBe(`/v1/users/${ann.id}/calendars/${body.id}`)
    expect(etag).toBe(`"${body.revision}"`)
    const [, owner = ''] = link.exec(body.url as string) ?? []
    expect(Buffer.from(owner, 'base64url').toString()).toBe(ann.id)
  })

  test('is the only reply with the link', async ({ as }) => {
    const ann = await as('ann')
    const { body: created } = await ann.createCalendar({ body: { name: 'Plans', kind: 'event', labels: ['a', 'b'] } })
    const shown = { ...created, url: null }
    expect((await ann.getCalendar({ path: { calendarId: created.id } })).body).toEqual(shown)
    expect((await ann.listCalendars()).body.items).toEqual([shown])
    const { body: changed } = await ann.updateCalendar({ path: { calendarId: created.id }, body: { name: 'Others' } })
    expect(changed.url).toBe(null)
  })

  test('stores a hash of the secret, and not the secret', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const { body } = await ann.createCalendar({ body: { name: 'Plans' }, headers: { 'Idempotency-Key': randomUUID() } })
    const secret = link.exec(body.url as string)?.[2] as string
    const rows = await sql<{ row: string }[]>`
      select calendars::text as row from calendars where owner_id = ${ann.id}
      union all select idempotency_keys::text from idempotency_keys where owner_id = ${ann.id}`
    expect(rows).toHaveLength(1)
    for (const { row } of rows) {
      expect(row).not.toContain(secret)
      expect(row).not.toContain(Buffer.from(secret, 'base64url').toString('hex'))
    }
  })

  test('returns an absolute link if the server knows its own URL', async ({ service }) => {
    const server = await start({ databaseUrl: service.databaseUrl, publicUrl: 'https://example.com/tasks' })
    const ann = client(server.url, await tokenOf('ann-public'))
    const { body } = await ann.createCalendar({ body: { name: 'Plans' } })
    await server.stop()
    expect(body.url).toMatch(/^https:\/\/example\.com\/tasks\/v1\/calendars\/[\w-]+\.[\w-]{43}\.ics$/)
  })

  test.for([
    [{}, '/name', 'required'],
    [{ name: '\u200b' }, '/name', 'format'],
    [{ name: 'a', kind: 'journal' }, '/kind', 'enum'],
    [{ name: 'a', labels: [] }, '/labels', 'minItems'],
    [{ name: 'a', labels: ['x', 'x'] }, '/labels', 'uniqueItems'],
    [{ name: 'a', labels: Array.from({ length: 21 }, (_, i) => `${i}`) }, '/labels', 'maxItems'],
    [{ name: 'a', categoryIds: ['x'] }, '/categoryIds/0', 'format'],
    [{ name: 'a', categoryIds: Array.from({ length: 21 }, () => randomUUID()) }, '/categoryIds', 'maxItems'],
    [{ name: 'a', id: randomUUID() }, '/id', 'readOnly'],
  ] as const)('refuses %j', async ([body, pointer, code], { as }) => {
    const ann = await as('ann')
    const { body: problem } = await ann.createCalendar({ body: body as never }, 422)
    expect(problem.errors).toContainEqual(expect.objectContaining({ pointer, location: 'body', code }))
  })

  test('refuses the 21st calendar, until one is deleted', async ({ as }) => {
    const ann = await as('ann')
    const ids: string[] = []
    for (let number = 1; number <= 20; number++) ids.push((await ann.createCalendar({ body: { name: `Number ${number}` } })).body.id)
    const { body } = await ann.createCalendar({ body: { name: 'Number 21' } }, 409)
    expect(body).toMatchObject({ type: '/problems/quota-exceeded', detail: 'An account has at most 20 calendars. Delete some first.' })
    await ann.deleteCalendar({ path: { calendarId: ids[3] as string } })
    const { body: last } = await ann.createCalendar({ body: { name: 'Number 21' } })
    const left = ids.toSpliced(3, 1)
    expect((await ann.listCalendars()).body.items.map(({ id }) => id)).toEqual([...left, last.id])
  })

  test('refuses it also to several requests at the same time', async ({ as }) => {
    const ann = await as('ann')
    await ann.getUser()
    const json = { headers: { 'content-type': 'application/json' }, body: '{"name":"Plans"}' }
    const sent = Array.from({ length: 30 }, () => ann.send('POST', '/v1/users/me/calendars', json))
    const created = (await Promise.all(sent)).filter(({ status }) => status === 201)
    expect(created.length).toBeLessThanOrEqual(20)
    expect((await ann.listCalendars()).body.items).toHaveLength(created.length)
  })

  test('with a repeated key returns the calendar without its link', async ({ as }) => {
    const ann = await as('ann')
    const headers = { 'Idempotency-Key': randomUUID() }
    const { body: first } = await ann.createCalendar({ body: { name: 'Plans' }, headers })
    const { body: again, headers: told } = await ann.createCalendar({ body: { name: 'Plans', kind: 'todo' }, headers }, 201)
    expect(again).toEqual({ ...first, url: null })
    expect(told.get('idempotency-replayed')).toBe('true')
    await ann.createCalendar({ body: { name: 'Others' }, headers }, 422)
    await ann.deleteCalendar({ path: { calendarId: first.id } })
    await ann.createCalendar({ body: { name: 'Plans' }, headers }, 409)
    expect((await ann.listCalendars()).body.items).toEqual([])
  })
})

describe('listCalendars', () => {
  test('is sorted by creation, in pages', async ({ as }) => {
    const ann = await as('ann')
    const names = ['c', 'a', 'b']
    for (const name of names) await ann.createCalendar({ body: { name } })
    const { body: first, etag } = await ann.listCalendars({ query: { limit: 2 } })
    const { body: second } = await ann.listCalendars({ query: { limit: 2, cursor: first.nextCursor as string } })
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(names)
    expect(second.nextCursor).toBe(null)
    await ann.listCalendars({ headers: { 'If-None-Match': etag } }, 304)
    for (const cursor of ['x', Buffer.from('["createdAt","x","019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12"]').toString('base64url')])
      await ann.listCalendars({ query: { cursor } }, 422)
  })
})

describe('updateCalendar', () => {
  test('changes the fields that were sent and nothing else', async ({ as }) => {
    const ann = await as('ann')
    const categoryIds = [randomUUID(), randomUUID()]
    const { body: created } = await ann.createCalendar({ body: { name: 'Plans', categoryIds, labels: ['a, "b"'] } })
    const path = { calendarId: created.id }
    const { body: changed } = await ann.updateCalendar({ path, body: { kind: 'event', labels: null } })
    const later = { revision: created.revision + 1, updatedAt: expect.any(String) }
    expect(changed).toEqual({ ...created, url: null, kind: 'event', labels: null, ...later })
    expect((await ann.updateCalendar({ path, body: {} })).body).toEqual(changed)
    expect((await ann.updateCalendar({ path, body: changed })).body).toMatchObject({ kind: 'event', categoryIds, labels: null })
  })

  test('takes an id in two cases for one', async ({ as }) => {
    const ann = await as('ann')
    const id = 'abcdef00-0000-7000-8000-000000000000'
    const { body: created } = await ann.createCalendar({ body: { name: 'Plans', categoryIds: [id, id.toUpperCase()] } })
    expect(created.categoryIds).toEqual([id])
    const path = { calendarId: created.id }
    expect((await ann.updateCalendar({ path, body: { categoryIds: [id.toUpperCase()] } })).body.categoryIds).toEqual([id])
  })

  test('evaluates conditions', async ({ as }) => {
    const ann = await as('ann')
    const { body: created, etag } = await ann.createCalendar({ body: { name: 'Plans' } })
    const path = { calendarId: created.id }
    await ann.getCalendar({ path, headers: { 'If-None-Match': etag } }, 304)
    await ann.getCalendar({ path, headers: { 'If-Match': '"1"' } }, 412)
    await ann.updateCalendar({ path, body: { name: 'Others' }, headers: { 'If-Match': '"1"' } }, 412)
    await ann.updateCalendar({ path, body: { name: 'Others' }, headers: { 'If-Match': etag } })
    await ann.deleteCalendar({ path, headers: { 'If-Match': etag } }, 412)
    await ann.createCalendar({ body: { name: 'More' }, headers: { 'If-Match': '"1"' } }, 412)
  })

  test('refuses another kind', async ({ as }) => {
    const ann = await as('ann')
    const { body } = await ann.createCalendar({ body: { name: 'Plans' } })
    await ann.updateCalendar({ path: { calendarId: body.id }, body: { kind: null } as never }, 422)
  })
})

describe('deleteCalendar', () => {
  test('deletes it for good: it is not in the trash', async ({ as }) => {
    const ann = await as('ann')
    const { body } = await ann.createCalendar({ body: { name: 'Plans' } })
    const path = { calendarId: body.id }
    await ann.deleteCalendar({ path })
    await ann.getCalendar({ path }, 404)
    await ann.updateCalendar({ path, body: { name: 'Others' } }, 404)
    await ann.deleteCalendar({ path }, 404)
    expect((await ann.listTrash()).body.items).toEqual([])
    await ann.restoreFromTrash({ path: { itemId: body.id } }, 404)
  })
})
