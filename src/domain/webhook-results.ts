// How a delivery ended, in the rows of it and of its webhook. Each statement holds only for the lease under which it was sent. A delivery that
// a replay has cancelled meanwhile changes nothing of its webhook.
import type { Database } from '../database/database.ts'
import { constant, identifier, joined, type Part, sql } from '../database/sql.ts'
import { mayUse } from './access.ts'
import { bumpRevision } from './revision.ts'
import { isAsItWas, isHeld, isWhereItWas, type Leased } from './webhook-lease.ts'

/** No status without a reply, no error with one. */
export type Outcome = { status: number | null; error: string | null; durationMs: number }
export type DisabledReason = 'failing' | 'gone'
/** Columns of the webhook, by their names in the API. */
export type Changes = Record<string, Part>

const maxLogged = 100 // deliveries of a webhook
const reminderLag = sql`interval '1 minute'` // a change that is not committed yet can have a reminder in the past

export function createResults(db: Database) {
  const { write } = db
  const disable = db.change('disable webhook', {
    ...{ owner: 'text', id: 'uuid', url: 'text', attempts: 'integer', deliveryId: 'uuid', leasedUntil: 'timestamptz', reason: 'text' },
    ...{ status: 'integer', error: 'text', durationMs: 'integer' },
  })<{ id: string }>((asked, callers) => {
    const held = sql`${isHeld(asked.owner, asked)} and ${isAsItWas(asked)}`
    return sql`
      ${bumpRevision(asked, callers, sql`exists (select from webhooks as item where ${held})`)},
      noted as (
        update webhook_deliveries as delivery
        set state = case when delivery.type = 'test' then 'failed'::delivery_state else delivery.state end,
          attempts = delivery.attempts + 1, response_status = ${asked.status}, error = ${asked.error}, duration_ms = ${asked.durationMs},
          last_attempt_at = ${callers.now}
        from change ${callers.join(sql`change.owner_id`)}
        where ${mayUse(sql`delivery.owner_id`, asked.owner)} and delivery.webhook_id = ${asked.id} and delivery.id = ${asked.deliveryId}
          and delivery.state = 'pending')
      update webhooks as item
      set disabled_at = ${callers.now}, disabled_reason = ${asked.reason}::webhook_disabled_reason, revision = next, updated_at = ${callers.now},
        leased_until = null
      from change ${callers.join(sql`change.owner_id`)}
      where ${held}
      returning item.owner_id as owner, item.id`
  })

  return {
    release,

    delivered: (owner: string, leased: Leased, outcome: Outcome, changes: Changes) =>
      settle(owner, leased, 'delivered', { ...changes, ...succeeded }, outcome),

    /** A delivery that has nothing left to send. */
    cancelled: (owner: string, leased: Leased, changes: Changes = {}) => settle(owner, leased, 'cancelled', changes),

    /** It stays pending, and the webhook waits. A test is sent once. */
    failed(owner: string, leased: Leased, outcome: Outcome, delayMs: number) {
      if (leased.type === 'test') return settle(owner, leased, 'failed', {}, outcome)
      return settle(owner, leased, 'pending', failed, outcome, delayMs)
    },

    /**
     * A change of the account. The delivery stays pending: if the webhook is enabled again, it is the next one. If the user has changed the
     * webhook meanwhile, it only gives the lease back.
     */
    async disable(owner: string, leased: Leased, reason: DisabledReason, outcome: Outcome): Promise<void> {
      const { id, url, attempts, leasedUntil } = leased
      const deliveryId = leased.deliveryId as string
      const disabled = await disable({ owner, id, url, attempts, deliveryId, leasedUntil, reason, ...outcome })
      if (disabled.length === 0) await release(owner, leased)
    },
  }

  /** Gives the lease back. `changes` holds if no replay has moved the webhook meanwhile. */
  function release(owner: string, leased: Leased, changes: Changes = {}) {
    const kept = Object.entries(changes).map(([name, value]) => assignment(name, value, isWhereItWas(leased)))
    return write('release webhook', sql`update webhooks as item set leased_until = null${joined(kept, '')} where ${isHeld(owner, leased)}`)
  }

  /** Locks the webhook first, as a replay does: in another order both could wait for each other. */
  async function settle(owner: string, leased: Leased, state: string, changes: Changes, outcome?: Outcome, delayMs = 0) {
    const { id, deliveryId } = leased
    const own = sql`${mayUse(sql`delivery.owner_id`, sql`${owner}`)} and delivery.webhook_id = ${id}`
    const assigned = Object.entries(changes).map(([name, value]) =>
      assignment(name, value, sql`noted.id is not null ${unmoved(leased, state)}`),
    )
    await write(
      'settle delivery',
      sql`
        with held as (
          select item.id, now() as at, now() + ${delayMs} * interval '1 millisecond' as next_at
          from webhooks as item
          where ${isHeld(owner, leased)}
          for no key update),
        noted as (
          update webhook_deliveries as delivery
          set state = ${state}::delivery_state${outcome === undefined ? sql`` : noted(outcome)}
          from held
          where ${own} and delivery.id = ${deliveryId} and delivery.state = 'pending'
          returning delivery.webhook_id as id),
        pruned as (
          delete from webhook_deliveries as delivery
          using held
          where ${own} and delivery.state <> 'pending' and delivery.id in (
            select delivery.id
            from webhook_deliveries as delivery
            where ${own} and delivery.state <> 'pending'
            order by delivery.id desc
            offset ${constant(maxLogged - 1)}))
        update webhooks as item
        set leased_until = null${joined(assigned, '')}
        from held left join noted on noted.id = held.id
        where ${mayUse(sql`item.owner_id`, sql`${owner}`)} and item.id = held.id and item.deleted_at is null`,
    )
  }
}

/**
 * `and …`: what else must hold, so that the outcome counts for the webhook. A replay can have begun before the delivery was pinned, and not have
 * seen it.
 */
function unmoved(leased: Leased, state: string): Part {
  if (state === 'pending') return sql`and ${isAsItWas(leased)}`
  return leased.type === 'changes' || leased.type === 'reset' ? sql`and ${isWhereItWas(leased)}` : sql``
}

const succeeded: Changes = { attempts: sql`0`, failingSince: sql`null`, nextAttemptAt: sql`null` }
const failed: Changes = {
  attempts: sql`item.attempts + 1`,
  failingSince: sql`coalesce(item.failing_since, held.at)`,
  nextAttemptAt: sql`held.next_at`,
}

const noted = ({ status, error, durationMs }: Outcome): Part => sql`,
  attempts = delivery.attempts + 1, response_status = ${status}, error = ${error}, duration_ms = ${durationMs}, last_attempt_at = held.at`

const assignment = (name: string, value: Part, condition: Part): Part =>
  sql`, ${identifier(name)} = case when ${condition} then ${value} else item.${identifier(name)} end`

/** After the last change that was delivered. */
export function placeAt({ revision, kind, id }: { revision: number; kind: string; id: string }): Changes {
  return { deliveredRevision: sql`${revision}::bigint`, deliveredKind: sql`${kind}`, deliveredId: sql`${id}` }
}

/** No reminder is due before `at`, and those of a while ago are over. */
export function remindAt(at: string): Changes {
  return { remindAt: sql`${at}::timestamptz`, remindedUntil: sql`greatest(item.reminded_until, (select now() - ${reminderLag}))` }
}

/** A reminder is due, and comes after the delivery that is pending. */
export const remindNext: Changes = { remindAt: sql`null` }

/** After an error of this server: the other webhooks of the account come first. */
export const later: Changes = { nextAttemptAt: sql`(select now() + interval '30 seconds')` }

/** After a reminder that was delivered: the next one may be due. */
export function remindedOf(at: string, taskId: string): Changes {
  return { remindedUntil: sql`greatest(item.reminded_until, ${at}::timestamptz)`, remindedId: sql`${taskId}::uuid`, remindAt: sql`null` }
}
