// The deliveries of webhooks that a user asks for, and their log. A delivery is no change of the account: no revision grows.
import { randomUUIDv7 } from 'node:crypto'
import type { components } from '../../generated/api.ts'
import { type FieldError, found, Problem } from '../contract/problem.ts'
import type { Call } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { sql } from '../database/sql.ts'
import { type Allowed, isAllowed } from '../resource/etag.ts'
import { columnsOf } from '../resource/fields.ts'
import { createPage, parseCursor, refuseCursor } from '../resource/page.ts'
import { mayUse } from './access.ts'
import { isAllowedRevision } from './revision.ts'
import type { createWebhooks, Webhook } from './webhooks.ts'

export type Delivery = components['schemas']['WebhookDelivery']
type Listed = Delivery & { asOf: number }

const columns = columnsOf([
  ...['id', 'type', 'state', 'fromRevision', 'toRevision', 'attempts', 'responseStatus', 'error', 'durationMs'],
  ...['createdAt', 'lastAttemptAt'],
])
const sort = '-createdAt'

export function createDeliveries({ read, write }: Database, webhooks: ReturnType<typeof createWebhooks>) {
  /** The reason why a webhook cannot do something: undefined if it is not there in an allowed revision. */
  async function reasonOf(owner: string, id: string, allowed: Allowed, refuse: (webhook: Webhook) => Promise<Problem> | Problem) {
    const [webhook] = await webhooks.one(owner, id)
    if (webhook !== undefined && isAllowed(allowed, webhook)) throw await refuse(webhook)
    return []
  }

  /** Stays true, whereas an account can reach the revision that was ahead of it. */
  async function isPurged(owner: string, revision: number): Promise<boolean> {
    const accounts = await read(
      'select purged revision',
      sql`select from users as account where ${mayUse(sql`account.id`, sql`${owner}`)} and account.purged_revision > ${revision}`,
    )
    return accounts.length > 0
  }

  return {
    /** Makes a pending test. */
    async test(owner: string, id: string, allowed: Allowed): Promise<Delivery[]> {
      const made = await write<Delivery>(
        'insert test',
        sql`
          insert into webhook_deliveries as item (owner_id, webhook_id, id, type)
          select ${owner}::text, webhook.id, ${randomUUIDv7()}::uuid, 'test'
          from webhooks as webhook
          where ${mayUse(sql`webhook.owner_id`, sql`${owner}`)} and webhook.id = ${id} and webhook.deleted_at is null and webhook.enabled
            ${isAllowedRevision(sql`webhook.revision`, allowed)}
          on conflict (owner_id, webhook_id) where state = 'pending' do nothing
          returning ${columns}`,
      )
      if (made.length > 0) return made
      return reasonOf(owner, id, allowed, ({ enabled }) =>
        enabled
          ? refused(
              'pending',
              'The webhook has a pending delivery. Its attempts show whether the URL works.',
              'must be a webhook without a pending delivery',
            )
          : refused('disabled', 'The webhook is disabled. Enable it first.', 'must be an enabled webhook'),
      )
    },

    /**
     * Lets the webhook continue after a revision. A delivery of changes that is pending is cancelled: an attempt in flight then finds no pending
     * row, and its result does not count.
     */
    async replay(owner: string, id: string, allowed: Allowed, revision: number): Promise<Webhook[]> {
      const isWebhook = sql`
        ${mayUse(sql`item.owner_id`, sql`${owner}`)} and item.id = ${id} and item.deleted_at is null ${isAllowedRevision(sql`item.revision`, allowed)}`
      const changed = await write<Webhook>(
        'replay webhook',
        sql`
          with webhook as (
            select item.id
            from webhooks as item, users as account
            where ${isWebhook} and ${mayUse(sql`account.id`, sql`${owner}`)}
              and ${revision}::bigint between account.purged_revision and account.revision
            for no key update of item),
          cancelled as (
            update webhook_deliveries as delivery
            set state = 'cancelled'
            from webhook
            where ${mayUse(sql`delivery.owner_id`, sql`${owner}`)} and delivery.webhook_id = webhook.id and delivery.state = 'pending'
              and delivery.type in ('changes', 'reset'))
          update webhooks as item
          set delivered_revision = ${revision}, delivered_kind = default, delivered_id = default,
            next_attempt_at = null
          from webhook
          where ${isWebhook} and item.id = webhook.id
          returning ${webhooks.columns}`,
      )
      if (changed.length > 0) return changed
      return reasonOf(owner, id, allowed, async () => ((await isPurged(owner, revision)) ? purged() : ahead()))
    },

    /** A page of the log, the newest first. Throws 404 if there is no such webhook. */
    async list(owner: string, id: string, { limit, cursor }: Call<'listWebhookDeliveries'>['query']) {
      const from = cursor === undefined ? undefined : parseCursor(cursor, sort)
      const after = from === undefined ? sql`` : sql`and (item.created_at, item.id) < (${from.key}, ${from.id})`
      const rows = await read<Listed>(
        'select deliveries',
        sql`
          select webhook.revision as as_of, ${columns}
          from webhooks as webhook left join lateral (
            select ${columns}
            from webhook_deliveries as item
            where ${mayUse(sql`item.owner_id`, sql`${owner}`)} and item.webhook_id = webhook.id ${after}
            order by item.created_at desc, item.id desc
            limit ${limit + 1}) as item on true
          where ${mayUse(sql`webhook.owner_id`, sql`${owner}`)} and webhook.id = ${id} and webhook.deleted_at is null
          order by item.created_at desc, item.id desc`,
      ).catch(from === undefined ? undefined : refuseCursor)
      found(rows)
      return createPage(rows, limit, sort, delivery => delivery.createdAt).body
    },
  }
}

function refused(code: FieldError['code'], detail: string, message: string): Problem {
  return new Problem('conflict', { detail, errors: [{ pointer: '/webhookId', location: 'path', code, message }] })
}

const ahead = () => notAfter('ahead', 'The account has not reached this revision.', 'must not be above the revision of the account')

const purged = () =>
  notAfter(
    'purged',
    'What was deleted since this revision is no longer known. Read the account instead.',
    'must not be before the oldest deletion that is known',
  )

function notAfter(code: FieldError['code'], detail: string, message: string): Problem {
  return new Problem('conflict', { detail, errors: [{ pointer: '/revision', location: 'body', code, message }] })
}
