// The deliveries that a user asks for, and the log. test/background/webhooks.test.ts receives them.
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import type { Client } from '../support/client.ts'
import { test } from '../support/taskspec.ts'

const url = 'https://example.com/hook'

async function create(user: Client) {
  const { body } = await user.createWebhook({ body: { url, enabled: true } })
  return { ...body, path: { webhookId: body.id } }
}

describe('testWebhook', () => {
  test('makes a pending delivery, which is no change of the account', async ({ as }) => {
    const ann = await as('ann')
    const { path } = await create(ann)
    const { etag } = await ann.listWebhooks()
    const { body } = await ann.testWebhook({ path })
    const nothing = { fromRevision: null, toRevision: null, responseStatus: null, error: null, durationMs: null, lastAttemptAt: null }
    expect(body).toMatchObject({ type: 'test', state: 'pending', attempts: 0, ...nothing })
    expect((await ann.listWebhookDeliveries({ path })).body).toEqual({ items: [body], nextCursor: null })
    expect((await ann.listWebhooks()).etag).toBe(etag)
  })

  test('is refused while another delivery is pending', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const { path } = await create(ann)
    await ann.testWebhook({ path })
    const { body } = await ann.testWebhook({ path }, 409)
    expect(body).toMatchObject({ type: '/problems/conflict', errors: [{ pointer: '/webhookId', location: 'path', code: 'pending' }] })
    await sql`update webhook_deliveries set state = 'delivered' where owner_id = ${ann.id}`
    await ann.testWebhook({ path })
  })

  test('is refused if the webhook is disabled', async ({ as }) => {
    const ann = await as('ann')
    const { path } = await create(ann)
    await ann.updateWebhook({ path, body: { enabled: false } })
    const { body } = await ann.testWebhook({ path }, 409)
    expect(body).toMatchObject({ errors: [{ pointer: '/webhookId', location: 'path', code: 'disabled' }] })
    expect((await ann.listWebhookDeliveries({ path })).body.items).toEqual([])
  })

  test('makes one with a repeated key, and with several requests at the same time', async ({ as }) => {
    const ann = await as('ann')
    const { path } = await create(ann)
    const headers = { 'Idempotency-Key': randomUUID() }
    const { body } = await ann.testWebhook({ path, headers })
    expect((await ann.testWebhook({ path, headers })).body).toEqual(body)
    const { path: another } = await create(ann)
    const sent = Array.from({ length: 8 }, () => ann.send('POST', `/v1/users/me/webhooks/${another.webhookId}/test`))
    expect((await Promise.all(sent)).filter(({ status }) => status === 200)).toHaveLength(1)
  })
})

describe('replayWebhook', () => {
  test('lets the webhook continue after a revision, which is no change of it', async ({ as }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'Pack' } })
    const { path, secret: _, ...created } = await create(ann)
    const { body, etag } = await ann.replayWebhook({ path, body: { revision: task.revision - 1 } })
    expect(body).toMatchObject({ ...created, deliveredRevision: task.revision - 1 })
    expect(etag).toBe(`"${created.revision}"`)
    expect((await ann.getWebhook({ path })).body).toEqual(body)
  })

  test('takes every change of the revision as delivered', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const { path, revision } = await create(ann)
    await sql`update webhooks set delivered_kind = 'task', delivered_id = ${randomUUID()} where owner_id = ${ann.id}`
    await ann.replayWebhook({ path, body: { revision } })
    const [row] = await sql`select delivered_kind, delivered_id from webhooks where owner_id = ${ann.id}`
    expect(row).toEqual({ delivered_kind: 'webhook', delivered_id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' })
  })

  test.for([
    ['changes', 'cancelled'],
    ['reset', 'cancelled'],
    ['reminder', 'pending'],
    ['test', 'pending'],
  ] as const)('leaves a pending delivery of the type %s as %s', async ([type, state], { as, service: { sql } }) => {
    const ann = await as('ann')
    const { path, revision } = await create(ann)
    await ann.testWebhook({ path })
    await sql`update webhook_deliveries set type = ${type} where owner_id = ${ann.id}`
    await ann.replayWebhook({ path, body: { revision } })
    expect((await ann.listWebhookDeliveries({ path })).body.items).toMatchObject([{ type, state }])
  })

  test('is refused before the oldest deletion that is known, and ahead of the account', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const { path, revision } = await create(ann)
    await sql`update users set purged_revision = ${revision - 1} where id = ${ann.id}`
    await ann.replayWebhook({ path, body: { revision: revision - 1 } })
    const refused = { type: '/problems/conflict', status: 409 }
    const { body: purged } = await ann.replayWebhook({ path, body: { revision: revision - 2 } }, 409)
    expect(purged).toMatchObject({ ...refused, errors: [{ pointer: '/revision', location: 'body', code: 'purged' }] })
    const { body: ahead } = await ann.replayWebhook({ path, body: { revision: revision + 1 } }, 409)
    expect(ahead).toMatchObject({ ...refused, errors: [{ pointer: '/revision', location: 'body', code: 'ahead' }] })
    expect((await ann.getWebhook({ path })).body.deliveredRevision).toBe(revision - 1)
  })
})

describe('listWebhookDeliveries', () => {
  test('has the newest first, in pages', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const { path } = await create(ann)
    await create(ann) // without any
    const ids: string[] = []
    for (let number = 0; number < 5; number++) {
      ids.unshift((await ann.testWebhook({ path })).body.id)
      await sql`update webhook_deliveries set state = 'failed', error = 'the connection was refused', attempts = 1 where owner_id = ${ann.id}`
    }
    const found: string[] = []
    let cursor: string | null | undefined
    do {
      const query = { limit: 2, ...(cursor && { cursor }) }
      const { body } = await ann.listWebhookDeliveries({ path, query })
      found.push(...body.items.map(({ id }) => id))
      expect(body.items[0]).toMatchObject({ state: 'failed', error: 'the connection was refused', attempts: 1 })
      cursor = body.nextCursor
    } while (cursor !== null)
    expect(found).toEqual(ids)
    for (const wrong of ['x', Buffer.from('["-createdAt","x","019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12"]').toString('base64url')])
      await ann.listWebhookDeliveries({ path, query: { cursor: wrong } }, 422)
  })
})
