// The body of one stream of events: text/event-stream as the HTML standard defines it.
import type { Stream } from '../contract/types.ts'

/** The revision of an account, and the kinds of resources that have changed since the one before. */
export type Update = { revision: number; kinds: readonly string[] }
export type EventStream = {
  /** of the newest event, sent or not */
  since: () => number
  push: (update: Update) => void
  body: Stream
}
type Notices = {
  /** An event is on its way to the client. */
  sent: () => void
  /** The stream has ended. It `isDropped` if the client had not read what it was sent. */
  closed: (isDropped: boolean) => void
}

/** Begins with an event, and ends after a time, or when its reader gives it up. */
export function createEventStream(first: Update, lifeMs: number, { sent, closed }: Notices): EventStream {
  let newest = first
  let start = retry(usualSpreadMs)
  let isUnsent = true
  let isOpen = true
  let hasReader = false
  let answer: ((result: IteratorResult<string>) => void) | undefined
  const timer = setTimeout(end, Math.max(lifeMs, 0)).unref()

  function push({ revision, kinds }: Update) {
    newest = { revision, kinds: isUnsent ? [...new Set([...newest.kinds, ...kinds])] : kinds }
    isUnsent = true
    flush()
  }

  /** Hands out the newest event, if the client has read the one before. */
  function flush() {
    if (!isUnsent || answer === undefined) return
    isUnsent = false
    sent()
    answer({ done: false, value: start + written(newest) })
    start = ''
    answer = undefined
  }

  function close(isDropped: boolean) {
    if (!isOpen) return
    isOpen = false
    clearTimeout(timer)
    closed(isDropped)
    answer?.({ done: true, value: undefined })
    answer = undefined
  }

  function end() {
    close(hasReader && answer === undefined)
  }

  // No generator: its cleanup does not run if the body is given up before it was read.
  const iterator = {
    next(): Promise<IteratorResult<string>> {
      hasReader = true
      return new Promise(resolve => {
        if (!isOpen) return resolve({ done: true, value: undefined })
        answer = resolve
        flush()
      })
    },
    async return(): Promise<IteratorResult<string>> {
      end()
      return { done: true, value: undefined }
    },
  }
  return { since: () => newest.revision, push, body: { [Symbol.asyncIterator]: () => iterator } }
}

const minRetryMs = 1_000
const usualSpreadMs = 4_000

export const heartbeat = ':\n\n' // a comment

/** The time after which a client connects again, at random so that not all of them do so together. */
export const retry = (spreadMs: number): string => `retry: ${Math.round(minRetryMs + Math.random() * spreadMs)}\n\n`

const written = ({ revision, kinds }: Update) => `id: ${revision}\nevent: revision\ndata: ${JSON.stringify({ revision, kinds })}\n\n`
