// Which webhooks are due, and their lease. There is no queue: a webhook is due while it has not delivered the revision of its account. If a
// process dies, its lease expires, and another process sends the same delivery again.
import type { components } from '../../generated/api.ts'
import type { Database } from '../database/database.ts'
import { constant, type Part, sql, type Value } from '../database/sql.ts'
import { mayUse } from './access.ts'
import { lastId, type Position } from './changes.ts'

export type WebhookKind = components['schemas']['WebhookKind']
type DeliveryType = components['schemas']['DeliveryType']
/** The delivery that is pending, with its last change or its reminder; null where there is none. */
type Pending = {
  deliveryId: string | null
  type: DeliveryType | null
  toRevision: number | null
  toKind: Position['kind'] | null
  toId: string | null
  toAt: string | null
  begunAt: string | null
}
export type Leased = Pending & {
  id: string
  url: string
  kinds: WebhookKind[]
  secret: string
  /** null when it no longer signs */
  previousSecret: string | null
  deliveredRevision: number
  deliveredKind: Position['kind']
  deliveredId: string
  remindedUntil: string
  remindedId: string
  /** attempts that failed, one after the other */
  attempts: number
  /** whether they have failed for so long that the webhook is disabled at the next failure */
  isOver: boolean
  /** identifies the lease */
  leasedUntil: string
}

/** The owners of due webhooks in a part of all webhooks, and the owner after which the next part begins. */
type Step = { owners: string[]; next: string }

/** Columns of a lease: values, or those of each caller in a statement that several share. */
type LeaseValues<Name extends keyof Leased> = Record<Name, Value>

const beforeAll = '' // no owner has this id
const lease = sql`interval '60 seconds'` // longer than an attempt with all its statements
const patience = sql`interval '24 hours'`
// Of 17 in a day. So a failure long ago and one now disable nothing, where there was nothing to send in between.
const minAttempts = constant(10)

/**
 * Whether the webhook `item` of an owner, or of any, has something to send. A position in the middle of a revision has more of this one. A
 * test does not wait for the next attempt of other deliveries.
 */
function isDue(owner?: string): Part {
  const ofOwner = (column: Part) => (owner === undefined ? sql`${column} = item.owner_id` : mayUse(column, sql`${owner}`))
  const isTime = sql`(item.next_attempt_at is null or item.next_attempt_at <= now())`
  return sql`
    item.enabled and item.deleted_at is null and (item.leased_until is null or item.leased_until < now())
    and (
      exists (
        select from webhook_deliveries as delivery
        where ${ofOwner(sql`delivery.owner_id`)} and delivery.webhook_id = item.id and delivery.state = 'pending'
          and (delivery.type = 'test' or ${isTime}))
      or ${isTime} and (
        item.delivered_id <> ${constant(lastId)}
        or exists (select from users as account where ${ofOwner(sql`account.id`)} and account.revision > item.delivered_revision)
        or 'reminder' = any(item.kinds) and (item.remind_at is null or item.remind_at <= now())))`
}

/** The webhook `item`, if this lease still holds. */
export const isHeld = (owner: Value, { id, leasedUntil }: LeaseValues<'id' | 'leasedUntil'>): Part => sql`
  ${mayUse(sql`item.owner_id`, sql`${owner}`)} and item.id = ${id} and item.deleted_at is null and item.leased_until = ${leasedUntil}::timestamptz`

/** Whether the user has not changed the webhook `item` meanwhile so that a failure of this attempt tells nothing. */
export const isAsItWas = ({ url, attempts }: LeaseValues<'url' | 'attempts'>): Part => sql`
  item.enabled and item.url = ${url} and item.attempts = ${attempts}`

/** Whether nothing has moved the webhook `item` since: a replay does. */
export const isWhereItWas = ({ deliveredRevision, deliveredKind, deliveredId }: Leased): Part => sql`
  item.delivered_revision = ${deliveredRevision} and item.delivered_kind = ${deliveredKind} and item.delivered_id = ${deliveredId}`

export function createLeases({ read, write }: Pick<Database, 'read' | 'write'>) {
  return {
    /** Which of these owners have a due webhook. */
    owners: (among: string[]): Promise<string[]> => dueOwners(sql`item.owner_id = any(${among})`),

    /**
     * Looks at `size` webhooks after an owner, and at the other ones of their last owner. Webhooks that are disabled or deleted count too, so
     * that a step never reads more rows. After the last webhook the next step is the first one.
     */
    async step(after: string, size: number): Promise<Step> {
      const [end] = await read<{ last: string | null; count: number }>(
        'select end of step',
        sql`
          select max(step.owner_id) as last, count(*)::integer as count
          from (select owner_id from webhooks where owner_id > ${after} order by owner_id limit ${size}) as step`,
      )
      if (end === undefined || end.last === null) return { owners: [], next: beforeAll }
      const owners = await dueOwners(sql`item.owner_id > ${after} and item.owner_id <= ${end.last}`)
      return { owners, next: end.count < size ? beforeAll : end.last }
    },

    /** Leases the due webhook of an owner that is furthest behind. Resolves with none if no webhook is due. */
    lease(owner: string): Promise<Leased[]> {
      const id = sql`${owner}`
      return write<Leased>(
        'lease webhook',
        sql`
          with due as (
            select item.id, pending.*, now() + ${lease} as until,
              case when item.previous_secret_until > now() then item.previous_secret end as previous,
              item.failing_since is not null and item.failing_since < now() - ${patience} and item.attempts >= ${minAttempts} as is_over
            from webhooks as item left join lateral (
              select delivery.id as delivery_id, delivery.type, delivery.to_revision, delivery.to_kind, delivery.to_id, delivery.to_at,
                delivery.created_at as begun_at
              from webhook_deliveries as delivery
              where ${mayUse(sql`delivery.owner_id`, id)} and delivery.webhook_id = item.id and delivery.state = 'pending') as pending on true
            where ${mayUse(sql`item.owner_id`, id)} and item.deleted_at is null and ${isDue(owner)}
            order by item.delivered_revision
            limit 1
            for no key update of item skip locked)
          update webhooks as item
          set leased_until = due.until
          from due
          where ${mayUse(sql`item.owner_id`, id)} and item.id = due.id and item.deleted_at is null
          returning item.id, item.url, item.kinds, item.secret, due.previous as previous_secret, item.delivered_revision,
            item.delivered_kind, item.delivered_id, item.reminded_until, item.reminded_id, item.attempts, due.is_over, item.leased_until,
            due.delivery_id, due.type, due.to_revision, due.to_kind, due.to_id, due.to_at, due.begun_at`,
      )
    },
  }

  /** Returns nothing but owners, because it reads rows of several. */
  async function dueOwners(condition: Part): Promise<string[]> {
    const found = await read<{ ownerId: string }>(
      'select owners of due webhooks',
      sql`select item.owner_id from webhooks as item where ${condition} and ${isDue()}`,
    )
    return [...new Set(found.map(({ ownerId }) => ownerId))]
  }
}
