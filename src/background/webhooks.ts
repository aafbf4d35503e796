// Sends the deliveries of webhooks. Every process does so: it looks for accounts that have some at once after its own changes, and each second
// at a part of all webhooks. A webhook gets one delivery at a time, in order, each at least once.
import type { Log } from '../observe/log.ts'
import type { Outcome, Outgoing } from './outgoing.ts'
import { pause, shuffled } from './rounds.ts'
import { signedHeaders } from './signature.ts'

/** A delivery, for a limited time that of this process alone. */
export type Attempt = {
  /** the same each time it is sent */
  id: string
  url: string
  body: string
  secrets: readonly string[]
  /** attempts that failed before it, one after the other */
  failures: number
  /** whether they have failed for so long that this one is the last */
  isOver: boolean
  delivered: (outcome: Outcome) => Promise<unknown>
  failed: (outcome: Outcome, delayMs: number) => Promise<unknown>
  disable: (outcome: Outcome, reason: 'failing' | 'gone') => Promise<unknown>
  /** Gives it back as if it had not been sent. */
  release: () => Promise<unknown>
}

export type WebhookQueue = {
  /** which of these owners have a webhook that is due */
  owners: (among: string[]) => Promise<string[]>
  /**
   * Looks at about `size` webhooks after an owner: the owners of those that are due, and the owner after which the next step begins. Before the
   * first owner, and after the last one, that is `''`.
   */
  step: (after: string, size: number) => Promise<{ owners: string[]; next: string }>
  /** The next attempt for an owner; null if there was something to do and nothing to send, undefined if there is nothing to do. */
  take: (owner: string) => Promise<Attempt | null | undefined>
}

/** for tests */
export type WebhookTiming = { pollMs?: number; stepSize?: number; delaysMs?: readonly number[] }

type Options = WebhookTiming & {
  log: Log
  outgoing: Outgoing
  /** Aborts when the process begins to stop. */
  stopping: AbortSignal
}

const [second, minute, hour] = [1_000, 60_000, 3_600_000]
/** between the attempts of a delivery; the last one again and again */
const delays = [5 * second, 30 * second, 2 * minute, 10 * minute, 30 * minute, hour, 2 * hour]
const webhooksPerStep = 5_000 // so that a step takes the database about 40 ms
const maxInFlight = 16
const maxPerOwner = 4 // so that the slow receivers of a few owners do not hold up the others
const maxWaiting = 10_000 // owners; a process that has so many looks for no others
const gatherMs = 50 // changes of this process share one statement that asks for their webhooks
const maxSettles = 5 // a lease lasts longer

export type Webhooks = ReturnType<typeof startWebhooks>

/** Starts to send. `done` resolves when it has stopped. */
export function startWebhooks(queue: WebhookQueue, options: Options) {
  const { log, outgoing, stopping, pollMs = second, stepSize = webhooksPerStep, delaysMs = delays } = options
  const counts = { delivered: 0, failed: 0, disabled: 0, due: 0, inFlight: 0, succeededAt: Date.now() / 1000 }
  const waiting = new Set<string>() // owners, the one that waits longest first
  const perOwner = new Map<string, number>()
  const changed = new Set<string>()
  const sending = new Set<Promise<void>>()
  let isFailing = false
  let wake = () => {}
  stopping.addEventListener('abort', () => wake())
  return {
    counts: () => counts,
    /** An account of this owner has changed. */
    changed(owner: string) {
      changed.add(owner)
      wake()
    },
    done: Promise.all([poll(), follow()]).then(async () => {
      while (sending.size > 0) await Promise.all(sending)
    }),
  }

  /**
   * Walks through the webhooks of all owners, again and again: finds what other processes have left, and what is due again. A step costs the same
   * however many webhooks there are. A database that needs long is asked less often.
   */
  async function poll(): Promise<void> {
    let after = ''
    let found = 0 // in this walk
    for (let tookMs = 0; await pause(Math.max(pollMs, 10 * tookMs) * (0.5 + Math.random()), stopping); ) {
      if (waiting.size >= maxWaiting) continue
      const startedAt = performance.now()
      await noted(async () => {
        const { owners, next } = await queue.step(after, stepSize)
        const isLast = next === ''
        after = next
        found += owners.length
        counts.due = isLast ? found : Math.max(counts.due, found)
        if (isLast) found = 0
        add(owners)
        counts.succeededAt = Date.now() / 1000
      })
      tookMs = performance.now() - startedAt
    }
  }

  async function follow(): Promise<void> {
    while (!stopping.aborted) {
      if (changed.size === 0)
        await new Promise<void>(resolve => {
          wake = resolve
        })
      if (!(await pause(gatherMs, stopping))) return
      const owners = [...changed]
      changed.clear()
      await noted(async () => add(await queue.owners(owners)), owners)
      if (isFailing && !(await pause(pollMs, stopping))) return
    }
  }

  function add(owners: string[]) {
    for (const owner of shuffled(owners)) waiting.add(owner)
    start()
  }

  function start() {
    for (const owner of waiting) {
      if (counts.inFlight >= maxInFlight || stopping.aborted) return
      if ((perOwner.get(owner) ?? 0) >= maxPerOwner) continue
      waiting.delete(owner)
      count(owner, 1)
      const work = noted(() => serve(owner), [owner]).finally(() => {
        count(owner, -1)
        sending.delete(work)
        start()
      })
      sending.add(work)
    }
  }

  function count(owner: string, by: 1 | -1) {
    counts.inFlight += by
    const left = (perOwner.get(owner) ?? 0) + by
    if (left === 0) perOwner.delete(owner)
    else perOwner.set(owner, left)
  }

  /** Another webhook of the owner may be due beside this one, and this one again after it. */
  async function serve(owner: string): Promise<void> {
    const attempt = await queue.take(owner)
    if (attempt === undefined) return
    waiting.add(owner)
    if (attempt === null) return
    start()
    if (await send(attempt)) waiting.add(owner)
  }

  async function send(attempt: Attempt): Promise<boolean> {
    const { id, url, body, secrets, failures, isOver } = attempt
    const headers = { ...signedHeaders(id, new Date(), body, secrets), 'content-type': 'application/json', 'user-agent': 'taskspec' }
    const outcome = await outgoing.post(url, headers, body, stopping).catch(() => null)
    if (outcome === null) return settled(attempt.release)
    const { status } = outcome
    if (status !== null && status >= 200 && status < 300) {
      counts.delivered += 1
      return settled(() => attempt.delivered(outcome))
    }
    counts.failed += 1
    if (status !== 410 && !isOver) return settled(() => attempt.failed(outcome, delayAfter(failures, delaysMs)))
    counts.disabled += 1
    return settled(() => attempt.disable(outcome, status === 410 ? 'gone' : 'failing'))
  }

  /** Again during an outage of the database: otherwise the same delivery would be sent again. */
  async function settled(settle: () => Promise<unknown>): Promise<true> {
    for (let left = maxSettles; ; left--) {
      try {
        await settle()
        return true
      } catch (error) {
        if (left === 0 || !(await pause(second, stopping))) throw error
      }
    }
  }

  /** Logs an outage once. Owners whose work fails count as changed again: the walk may need long to come back to them. */
  async function noted(work: () => Promise<void>, owners: string[] = []): Promise<void> {
    try {
      await work()
      isFailing = false
    } catch (error) {
      if (!isFailing) log.warn({ error }, 'webhooks failed')
      isFailing = true
      for (const owner of owners) changed.add(owner)
      if (owners.length > 0) wake()
    }
  }
}

/** With jitter, so that receivers which failed together do not get everything together. */
function delayAfter(failures: number, delaysMs: readonly number[]): number {
  const delay = delaysMs[Math.min(failures, delaysMs.length - 1)] as number
  return Math.round(delay * (0.8 + 0.4 * Math.random()))
}
