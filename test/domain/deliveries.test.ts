// Replays that meet a change of the account. test/handlers/webhook-deliveries.test.ts has the others.
import { expect } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase } from '../../src/database/database.ts'
import { createDeliveries } from '../../src/domain/deliveries.ts'
import { createWebhooks } from '../../src/domain/webhooks.ts'
import { test } from '../support/taskspec.ts'

test('a revision that the account reaches while it is refused is ahead, not purged', async ({ as, service, onTestFinished }) => {
  const ann = await as('ann')
  const { body: webhook } = await ann.createWebhook({ body: { url: 'https://hooks.test/' } })
  const db = createDatabase({ url: parseDatabaseUrl(service.databaseUrl), poolSize: 1, timeoutFactor: 10 })
  onTestFinished(db.close)
  const webhooks = createWebhooks(db, false)
  async function one(owner: string, id: string) {
    await ann.createTask({ body: { title: 'a' } })
    return webhooks.one(owner, id)
  }
  const { replay } = createDeliveries(db, { ...webhooks, one })
  const refusal = replay(ann.id, webhook.id, { match: null, except: null }, webhook.revision + 1)
  await expect(refusal).rejects.toMatchObject({ status: 409, errors: [{ pointer: '/revision', code: 'ahead' }] })
})
