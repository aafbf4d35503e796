// The deliveries of webhooks, as the process takes them one after the other.
import type { Database } from '../database/database.ts'
import { createLeases } from './webhook-lease.ts'
import { createPayloads } from './webhook-payloads.ts'
import { createResults, type DisabledReason, later, type Outcome } from './webhook-results.ts'

export function createWebhookQueue(db: Database) {
  const { owners, step, lease } = createLeases(db)
  const payloads = createPayloads(db)
  const results = createResults(db)

  return {
    ...{ owners, step },

    /**
     * Leases a webhook of an owner that is due, and prepares its delivery: the attempt, or null if there is nothing to send. Resolves with
     * undefined if no webhook is due.
     */
    async take(owner: string) {
      const [leased] = await lease(owner)
      if (leased === undefined) return undefined
      const prepared = await payloads.prepare(owner, leased).catch(async error => {
        await results.release(owner, leased, later).catch(() => {}) // in an outage the lease expires
        throw error
      })
      if (prepared.kind === 'sent') return attempt(owner, prepared)
      if (prepared.kind === 'cancelled') await results.cancelled(owner, leased, prepared.changes)
      else await results.release(owner, leased, prepared.kind === 'nothing' ? prepared.changes : {})
      return null
    },
  }

  /** The delivery to send, with a statement for each outcome. */
  function attempt(owner: string, { leased, body, changes }: Extract<Awaited<ReturnType<typeof payloads.prepare>>, { kind: 'sent' }>) {
    const { url, secret, previousSecret, attempts, isOver } = leased
    return {
      ...{ id: leased.deliveryId as string, url, body, failures: attempts, isOver },
      secrets: [secret, ...(previousSecret === null ? [] : [previousSecret])],
      delivered: (outcome: Outcome) => results.delivered(owner, leased, outcome, changes),
      failed: (outcome: Outcome, delayMs: number) => results.failed(owner, leased, outcome, delayMs),
      disable: (outcome: Outcome, reason: DisabledReason) => results.disable(owner, leased, reason, outcome),
      release: () => results.release(owner, leased),
    }
  }
}
