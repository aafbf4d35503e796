// Webhooks: what a user does with one. test/handlers/webhook-deliveries.test.ts asks for deliveries.
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { client } from '../support/client.ts'
import { start, test, tokenOf } from '../support/taskspec.ts'

const url = 'https://example.com/hook'
const kinds = ['user', 'category', 'task', 'calendar', 'reminder']
const secretForm = /^whsec_[A-Za-z0-9+/]{43}=$/

describe('createWebhook', () => {
  test('returns the secret, and the webhook with its defaults', async ({ as }) => {
    const ann = await as('ann')
    const { body, headers, etag } = await ann.createWebhook({ body: { url } })
    expect(body).toMatchObject({ url, kinds, enabled: true, failingSince: null, disabledAt: null, disabledReason: null })
    expect(body.secret).toMatch(secretForm)
    expect(headers.get('location')).toBe(`/v1/users/${ann.id}/webhooks/${body.id}`)
    expect(etag).toBe(`"${body.revision}"`)
  })

  test('is the only reply with the secret', async ({ as }) => {
    const ann = await as('ann')
    const { body: created } = await ann.createWebhook({ body: { url, kinds: ['task'] } })
    const shown = { ...created, secret: null }
    expect((await ann.getWebhook({ path: { webhookId: created.id } })).body).toEqual(shown)
    expect((await ann.listWebhooks()).body.items).toEqual([shown])
    const { body: changed } = await ann.updateWebhook({ path: { webhookId: created.id }, body: { kinds: ['user'] } })
    expect(changed.secret).toBe(null)
  })

  test('begins at its own revision', async ({ as }) => {
    const ann = await as('ann')
    await ann.createTask({ body: { title: 'Pack' } })
    const { body } = await ann.createWebhook({ body: { url } })
    expect(body.deliveredRevision).toBe(body.revision)
  })

  test('can make one that is disabled', async ({ as }) => {
    const ann = await as('ann')
    const { body } = await ann.createWebhook({ body: { url, enabled: false } })
    expect(body).toMatchObject({ enabled: false, disabledAt: body.createdAt, disabledReason: 'user' })
  })

  test.for([
    [{}, '/url', 'required'],
    [{ url: 'ftp://example.com' }, '/url', 'pattern'],
    [{ url: 'https://example.com/#part' }, '/url', 'pattern'],
    [{ url: 'https://exämple.com/' }, '/url', 'pattern'],
    [{ url: `https://example.com/${'x'.repeat(2048)}` }, '/url', 'maxLength'],
    [{ url: 'https://example.com:99999/' }, '/url', 'format'],
    [{ url: 'http://example.com/' }, '/url', 'https'],
    [{ url: 'https://ann:secret@example.com/' }, '/url', 'userInfo'],
    [{ url: 'https://127.0.0.1/' }, '/url', 'privateAddress'],
    [{ url, kinds: [] }, '/kinds', 'minItems'],
    [{ url, kinds: ['task', 'task'] }, '/kinds', 'uniqueItems'],
    [{ url, kinds: ['webhook'] }, '/kinds/0', 'enum'],
    [{ url, enabled: null }, '/enabled', 'type'],
    [{ url, id: randomUUID() }, '/id', 'readOnly'],
  ] as const)('refuses %j', async ([body, pointer, code], { as }) => {
    const ann = await as('ann')
    const { body: problem } = await ann.createWebhook({ body: body as never }, 422)
    expect(problem.errors).toContainEqual(expect.objectContaining({ pointer, location: 'body', code }))
    expect(JSON.stringify(problem)).not.toContain('secret')
  })

  test('accepts a private address if the server allows it', async ({ service }) => {
    const server = await start({ databaseUrl: service.databaseUrl, privateWebhooks: true })
    const ann = client(server.url, await tokenOf('ann-private'))
    const { body } = await ann.createWebhook({ body: { url: 'http://127.0.0.1:4000/hook' } })
    await server.stop()
    expect(body.url).toBe('http://127.0.0.1:4000/hook')
  })

  test('refuses the 11th webhook, until one is deleted', async ({ as }) => {
    const ann = await as('ann')
    const ids: string[] = []
    for (let number = 1; number <= 10; number++) ids.push((await ann.createWebhook({ body: { url } })).body.id)
    const { body } = await ann.createWebhook({ body: { url } }, 409)
    expect(body).toMatchObject({ type: '/problems/quota-exceeded', detail: 'An account has at most 10 webhooks. Delete some first.' })
    await ann.deleteWebhook({ path: { webhookId: ids[3] as string } })
    const { body: last } = await ann.createWebhook({ body: { url } })
    expect((await ann.listWebhooks()).body.items.map(({ id }) => id)).toEqual([...ids.toSpliced(3, 1), last.id])
  })

  test('with a repeated key returns the webhook without its secret', async ({ as }) => {
    const ann = await as('ann')
    const headers = { 'Idempotency-Key': randomUUID() }
    const { body: first } = await ann.createWebhook({ body: { url }, headers })
    const { body: again, headers: replied } = await ann.createWebhook({ body: { url, enabled: true }, headers }, 201)
    expect(again).toEqual({ ...first, secret: null })
    expect(replied.get('idempotency-replayed')).toBe('true')
    await ann.createWebhook({ body: { url, kinds: ['task'] }, headers }, 422)
    await ann.deleteWebhook({ path: { webhookId: first.id } })
    await ann.createWebhook({ body: { url }, headers }, 409)
    expect((await ann.listWebhooks()).body.items).toEqual([])
  })
})

describe('listWebhooks', () => {
  test('is sorted by creation, in pages', async ({ as }) => {
    const ann = await as('ann')
    const urls = ['c', 'a', 'b'].map(name => `https://example.com/${name}`)
    for (const url of urls) await ann.createWebhook({ body: { url } })
    const { body: first, etag } = await ann.listWebhooks({ query: { limit: 2 } })
    const { body: second } = await ann.listWebhooks({ query: { limit: 2, cursor: first.nextCursor as string } })
    expect([...first.items, ...second.items].map(({ url }) => url)).toEqual(urls)
    expect(second.nextCursor).toBe(null)
    await ann.listWebhooks({ headers: { 'If-None-Match': etag } }, 304)
    for (const cursor of ['x', Buffer.from('["createdAt","x","019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12"]').toString('base64url')])
      await ann.listWebhooks({ query: { cursor } }, 422)
  })
})

describe('updateWebhook', () => {
  test('changes the fields that were sent and nothing else', async ({ as }) => {
    const ann = await as('ann')
    const { body: created } = await ann.createWebhook({ body: { url } })
    const path = { webhookId: created.id }
    const { body: changed } = await ann.updateWebhook({ path, body: { kinds: ['task', 'reminder'] } })
    const later = { revision: created.revision + 1, updatedAt: expect.any(String) }
    expect(changed).toEqual({ ...created, secret: null, kinds: ['task', 'reminder'], ...later })
    expect((await ann.updateWebhook({ path, body: {} })).body).toEqual(changed)
    expect((await ann.updateWebhook({ path, body: changed })).body).toMatchObject({ url, kinds: ['task', 'reminder'], enabled: true })
    await ann.updateWebhook({ path, body: { url: 'https://10.0.0.1/' } }, 422)
  })

  test('disables and enables it, and keeps its place', async ({ as }) => {
    const ann = await as('ann')
    const { body: created } = await ann.createWebhook({ body: { url } })
    const path = { webhookId: created.id }
    const { body: disabled } = await ann.updateWebhook({ path, body: { enabled: false } })
    expect(disabled).toMatchObject({ enabled: false, disabledAt: disabled.updatedAt, disabledReason: 'user' })
    const { body: still } = await ann.updateWebhook({ path, body: { enabled: false } })
    expect(still.disabledAt).toBe(disabled.disabledAt)
    const { body: enabled } = await ann.updateWebhook({ path, body: { enabled: true } })
    expect(enabled).toMatchObject({ enabled: true, disabledAt: null, disabledReason: null })
    expect(enabled.deliveredRevision).toBe(created.deliveredRevision)
  })

  test.for([{ enabled: true }, { url: `${url}/other` }])('%j begins anew after failures', async (body, { as, service: { sql } }) => {
    const ann = await as('ann')
    const { body: created } = await ann.createWebhook({ body: { url } })
    const path = { webhookId: created.id }
    const fail = () => sql`
      update webhooks
      set failing_since = now(), attempts = 4, next_attempt_at = now(), disabled_at = now(), disabled_reason = 'failing'
      where owner_id = ${ann.id}`
    await fail()
    const { body: disabled } = await ann.updateWebhook({ path, body: { kinds: ['task'], enabled: false } })
    expect(disabled).toMatchObject({ disabledReason: 'failing', failingSince: expect.any(String) })
    const { body: begun } = await ann.updateWebhook({ path, body })
    expect(begun).toMatchObject({ failingSince: null, enabled: body.enabled ?? false })
    const [row] = await sql`select attempts, next_attempt_at from webhooks where owner_id = ${ann.id}`
    expect(row).toEqual({ attempts: 0, next_attempt_at: null })
  })

  test('delivers no reminders of before their kind was asked for', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const { body: created } = await ann.createWebhook({ body: { url, kinds: ['task'] } })
    const path = { webhookId: created.id }
    await sql`update webhooks set reminded_until = '2027-01-01' where owner_id = ${ann.id}`
    const isOld = async () => (await sql`select reminded_until = '2027-01-01' as old from webhooks where owner_id = ${ann.id}`)[0]?.old
    await ann.updateWebhook({ path, body: { kinds: ['category'] } })
    expect(await isOld()).toBe(true)
    await ann.updateWebhook({ path, body: { kinds: ['task', 'reminder'] } })
    expect(await isOld()).toBe(false)
    await sql`update webhooks set reminded_until = '2027-01-01' where owner_id = ${ann.id}`
    await ann.updateWebhook({ path, body: { kinds: ['reminder'] } })
    expect(await isOld()).toBe(true)
  })

  test('evaluates conditions', async ({ as }) => {
    const ann = await as('ann')
    const { body: created, etag } = await ann.createWebhook({ body: { url } })
    const path = { webhookId: created.id }
    const old = { 'If-Match': '"1"' }
    await ann.getWebhook({ path, headers: { 'If-None-Match': etag } }, 304)
    await ann.getWebhook({ path, headers: old }, 412)
    await ann.updateWebhook({ path, body: { kinds: ['task'] }, headers: old }, 412)
    for (const name of ['rotateWebhookSecret', 'testWebhook'] as const) {
      await ann[name]({ path, headers: old }, 412)
      await ann[name]({ path, headers: { 'If-None-Match': '*' } }, 412)
    }
    await ann.replayWebhook({ path, body: { revision: created.revision }, headers: old }, 412)
    await ann.updateWebhook({ path, body: { kinds: ['task'] }, headers: { 'If-Match': etag } })
    await ann.deleteWebhook({ path, headers: { 'If-Match': etag } }, 412)
    await ann.createWebhook({ body: { url }, headers: old }, 412)
  })
})

describe('rotateWebhookSecret', () => {
  test('returns a new secret, and keeps the one before for a day', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const { body: created } = await ann.createWebhook({ body: { url } })
    const path = { webhookId: created.id }
    const { body: rotated } = await ann.rotateWebhookSecret({ path })
    expect(rotated.secret).toMatch(secretForm)
    expect(rotated.secret).not.toBe(created.secret)
    expect(rotated.revision).toBe(created.revision + 1)
    const secrets = sql`
      select secret, previous_secret, previous_secret_until - updated_at = interval '24 hours' as for_a_day from webhooks where owner_id = ${ann.id}`
    expect((await secrets)[0]).toEqual({ secret: rotated.secret, previous_secret: created.secret, for_a_day: true })
    const { body: last } = await ann.rotateWebhookSecret({ path })
    const [row] = await sql`select secret, previous_secret from webhooks where owner_id = ${ann.id}`
    expect(row).toEqual({ secret: last.secret, previous_secret: rotated.secret })
    expect((await ann.getWebhook({ path })).body.secret).toBe(null)
  })

  test('with a repeated key returns the same secret', async ({ as }) => {
    const ann = await as('ann')
    const { body: created } = await ann.createWebhook({ body: { url } })
    const request = { path: { webhookId: created.id }, headers: { 'Idempotency-Key': randomUUID() } }
    const { body: rotated } = await ann.rotateWebhookSecret(request)
    expect((await ann.rotateWebhookSecret(request)).body).toEqual(rotated)
  })
})

describe('deleteWebhook', () => {
  test('deletes it for good, with its secrets and its log', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const { body } = await ann.createWebhook({ body: { url } })
    const path = { webhookId: body.id }
    await ann.rotateWebhookSecret({ path })
    await ann.testWebhook({ path })
    await ann.deleteWebhook({ path })
    await ann.getWebhook({ path }, 404)
    await ann.updateWebhook({ path, body: { kinds: ['task'] } }, 404)
    await ann.rotateWebhookSecret({ path }, 404)
    await ann.testWebhook({ path }, 404)
    await ann.replayWebhook({ path, body: { revision: body.revision } }, 404)
    await ann.listWebhookDeliveries({ path }, 404)
    await ann.deleteWebhook({ path }, 404)
    expect((await ann.listTrash()).body.items).toEqual([])
    const rows = await sql`select secret, previous_secret, previous_secret_until from webhooks where owner_id = ${ann.id}`
    expect([...rows]).toEqual([{ secret: '', previous_secret: null, previous_secret_until: null }])
    expect([...(await sql`select id from webhook_deliveries where owner_id = ${ann.id}`)]).toEqual([])
  })

  test('an erased account leaves nothing', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const { body } = await ann.createWebhook({ body: { url } })
    await ann.testWebhook({ path: { webhookId: body.id } })
    await ann.deleteUser()
    const rows =
      await sql`select id from webhooks where owner_id = ${ann.id} union all select id from webhook_deliveries where owner_id = ${ann.id}`
    expect([...rows]).toEqual([])
  })
})
