// Live events. One statement for all watched accounts of the process asks now and then which have changed, and changes by this process are
// told at once. A stream has at most one event in memory: where a client reads slowly, newer events join the one that waits.
import { Problem, unavailable } from '../contract/problem.ts'
import type { OpenEvents } from '../contract/types.ts'
import type { Log } from '../observe/log.ts'
import { createEventStream, type EventStream, heartbeat, retry, type Update } from './event-stream.ts'
import { pause } from './rounds.ts'

/** The accounts, each with a revision that grows with every change. */
export type Watch = {
  /** The revisions of those that have an account. */
  revisions: (owners: readonly string[]) => Promise<{ id: string; revision: number }[]>
  /** The changes of an account since a revision; none if that is undefined. */
  since: (owner: string, revision: number | undefined) => Promise<Update>
}
export type Hub = {
  open: OpenEvents
  /** Tells the streams of an owner about a change by this process. */
  changed: (owner: string) => void
  counts: () => Counts
}
/** `succeededAt`: when the process last knew what has changed in the accounts of its streams (seconds since the epoch). */
type Counts = { open: number; sent: number; dropped: number; succeededAt: number }
type Options = {
  log: Log
  /** Aborts when the process begins to stop. */
  stopping: AbortSignal
  maxStreams: number
  /** between two looks for changes by other processes */
  pollMs?: number | undefined
}
/** The streams of an owner; those that are `opening` have not read their first event. */
type Account = { streams: Set<EventStream>; opening: number; isReading: boolean; isStale: boolean }

const maxStreamsOfOwner = 20 // a person has some devices, each with some tabs
const maxStreamMs = 3_600_000 // so a token whose key was withdrawn has no stream for longer, and new processes get their share of streams
const accountsAtOnce = 50 // after an outage every account may have changed, and requests need the database too
const fullSeconds = 10 // in Retry-After
const shutdownSpreadMs = 9_000 // the other processes get all of its streams

export function createHub(watch: Watch | undefined, { log, stopping, maxStreams, pollMs = 500 }: Options): Hub {
  const accounts = new Map<string, Account>()
  const counts: Counts = { open: 0, sent: 0, dropped: 0, succeededAt: now() }
  let isPolling = false

  const open: OpenEvents = async (owner, since, expiresAt) => {
    if (watch === undefined) throw new Error('the API has nothing to watch')
    const account = enter(owner)
    let stream: EventStream | undefined
    const closed = (isDropped: boolean) => {
      if (stream !== undefined) account.streams.delete(stream)
      if (isDropped) counts.dropped += 1
      leave(owner, account)
    }
    try {
      const first = await watch.since(owner, since)
      stream = createEventStream(first, Math.min(expiresAt - Date.now(), maxStreamMs), { sent: () => void counts.sent++, closed })
    } finally {
      account.opening -= 1
      if (stream === undefined) closed(false)
    }
    account.streams.add(stream)
    if (!isPolling) void poll(watch)
    return { body: stream.body, heartbeat, farewell: retry(shutdownSpreadMs) }
  }

  /** Counts a stream before anything is read for it. */
  function enter(owner: string): Account {
    if (counts.open >= maxStreams)
      throw unavailable('The server has no room for another stream. Try again shortly.', undefined, fullSeconds)
    const account = accounts.get(owner) ?? { streams: new Set(), opening: 0, isReading: false, isStale: false }
    if (account.streams.size + account.opening >= maxStreamsOfOwner) throw tooManyStreams()
    if (accounts.size === 0) counts.succeededAt = now()
    account.opening += 1
    counts.open += 1
    accounts.set(owner, account)
    return account
  }

  function leave(owner: string, { streams, opening }: Account) {
    counts.open -= 1
    if (streams.size + opening === 0) accounts.delete(owner)
  }

  /** Looks for changes by other processes while there is a stream. */
  async function poll({ revisions, since }: Watch) {
    isPolling = true
    let isFailing = false
    while ((await pause(pollMs, stopping)) && accounts.size > 0) {
      try {
        const owners = [...accounts.keys()]
        const current = new Map((await revisions(owners)).map(({ id, revision }) => [id, revision]))
        const changed = owners.filter(owner => isBehind(owner, current.get(owner) ?? 0))
        for (let from = 0; from < changed.length; from += accountsAtOnce)
          await Promise.all(changed.slice(from, from + accountsAtOnce).map(owner => tell(owner, since)))
        counts.succeededAt = now()
        isFailing = false
      } catch (error) {
        if (!isFailing && !stopping.aborted) log.warn({ error }, 'events failed')
        isFailing = true
      }
    }
    isPolling = false
  }

  function isBehind(owner: string, revision: number): boolean {
    for (const stream of accounts.get(owner)?.streams ?? []) if (stream.since() !== revision) return true
    return false
  }

  /** One read at a time, so that no older state of the account comes behind a newer one. */
  async function tell(owner: string, since: Watch['since']): Promise<void> {
    const account = accounts.get(owner)
    if (account === undefined) return
    account.isStale = true
    if (account.isReading) return
    account.isReading = true
    try {
      while (account.isStale && account.streams.size > 0) {
        account.isStale = false
        for (const [before, streams] of Map.groupBy(account.streams, stream => stream.since())) {
          const update = await since(owner, before)
          if (update.revision !== before) for (const stream of streams) stream.push(update)
        }
      }
    } finally {
      account.isReading = false
    }
  }

  return {
    open,
    changed(owner) {
      // A failure is not lost: the next look finds the change.
      if (watch !== undefined) tell(owner, watch.since).catch(() => {})
    },
    counts: () => (accounts.size === 0 ? { ...counts, succeededAt: now() } : counts), // without a stream there is nothing to know
  }
}

const now = () => Date.now() / 1000

function tooManyStreams(): Problem {
  const detail = `The account has ${maxStreamsOfOwner} streams on this server, and no more are allowed. Close one first.`
  return new Problem('too-many-requests', { detail, headers: { 'Retry-After': String(fullSeconds) } })
}
