import type { Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { createDeliveries } from '../domain/deliveries.ts'
import { createWebhooks } from '../domain/webhooks.ts'
import { createItem } from '../resource/item.ts'

export function createWebhookHandlers(db: Database, privateWebhooks: boolean) {
  const webhooks = createWebhooks(db, privateWebhooks)
  const deliveries = createDeliveries(db, webhooks)
  const item = createItem('webhooks', webhooks)

  return {
    listWebhooks: ({ owner, query, headers }) => item.list(owner, headers, query.cursor, () => webhooks.list(owner, query)),
    createWebhook: ({ owner, claims, headers, body }) => item.create('createWebhook', owner, claims, body, headers),
    getWebhook: ({ owner, path, headers }) => item.get(owner, path.webhookId, headers),
    updateWebhook: ({ owner, path, headers, body }) => item.patch(owner, path.webhookId, body, headers),
    deleteWebhook: ({ owner, path, headers }) => item.remove(owner, path.webhookId, headers),
    rotateWebhookSecret: ({ owner, path, headers }) =>
      item.change(owner, path.webhookId, headers, allowed => webhooks.rotate(owner, path.webhookId, allowed)),
    replayWebhook: ({ owner, path, headers, body }) =>
      item.change(owner, path.webhookId, headers, allowed => deliveries.replay(owner, path.webhookId, allowed, body.revision)),
    async testWebhook({ owner, path, headers }) {
      return {
        status: 200,
        body: await item.result(owner, path.webhookId, headers, allowed => deliveries.test(owner, path.webhookId, allowed)),
      }
    },
    async listWebhookDeliveries({ owner, path, query }) {
      return { status: 200, body: await deliveries.list(owner, path.webhookId, query) }
    },
  } satisfies Partial<Handlers>
}
