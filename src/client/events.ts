// Live events over fetch, because `EventSource` of browsers sends no token. The stream is read as the HTML standard defines it.
import { pause, retryAfter } from './retry.ts'
import type { Problem, Schemas } from './types.ts'

export type RevisionEvent = Schemas['RevisionEvent']
export type EventOptions = {
  /** the revision of the last event that you know: then the first event has what has changed since */
  since?: number | undefined
  /** ends the events */
  signal?: AbortSignal | undefined
}
type Connect = (headers: Record<string, string>, signal: AbortSignal) => Promise<Response | undefined>
type Refusal = { ok: false; status: number; problem: Problem; response: Response }

const silenceMs = 60_000 // the server writes every 20 s at least, so the connection is dead
const never = new AbortController().signal

/**
 * Makes a function that iterates over events, and connects again by itself. `connect` resolves with undefined if there is no reply; `refused`
 * makes the error of a refusal that another attempt would get too.
 */
export function createEvents(connect: Connect, refused: (refusal: Refusal) => Error, maxWait = 10_000) {
  return async function* events({ since, signal = never }: EventOptions = {}): AsyncGenerator<RevisionEvent, void, undefined> {
    let last = since
    let retryMs = 1_000
    for (let failures = 0; !signal.aborted; failures++) {
      const connection = new AbortController()
      const close = () => connection.abort()
      signal.addEventListener('abort', close)
      try {
        const response = await connect(last === undefined ? {} : { 'Last-Event-ID': `${last}` }, connection.signal)
        if (response !== undefined && isFinal(response)) throw refused(await refusalOf(response))
        if (response?.ok) {
          for await (const { retry, data } of blocksOf(response, close)) {
            if (retry !== undefined) retryMs = Number(retry)
            if (data === undefined) continue
            failures = 0
            const event: RevisionEvent = JSON.parse(data)
            if (event.revision !== last || event.kinds.length > 0) {
              last = event.revision
              yield event
            }
          }
        } else retryMs = (response && retryAfter(response)) ?? retryMs
      } finally {
        signal.removeEventListener('abort', close)
        close()
      }
      // `retry` has a random share already. A longer wait gets one, so that clients don't come back together after an outage.
      const wait = failures === 0 ? retryMs : Math.max(retryMs, 500 * 2 ** failures * (1 + Math.random()))
      await pause(Math.min(wait, maxWait), signal).catch(() => undefined)
    }
  }
}

/** Whether another attempt would get the same: 401, 403 and other refusals, but not 408, 429 and errors of the server. */
const isFinal = ({ status }: Response) => status >= 400 && status < 500 && status !== 408 && status !== 429

async function refusalOf(response: Response): Promise<Refusal> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json'))
    throw new Error(`events got ${response.status} from something that is not Taskspec`, { cause: response })
  return { ok: false, status: response.status, problem: (await response.json()) as Problem, response }
}

/** The fields of each block of the stream. Ends quietly when the connection is lost, and closes it when it is silent. */
async function* blocksOf({ body }: Response, close: () => void): AsyncGenerator<Record<string, string>, void, undefined> {
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (;;) {
    const timer = setTimeout(close, silenceMs)
    const chunk = await reader.read().catch(() => undefined)
    clearTimeout(timer)
    if (chunk?.value === undefined) return
    text += decoder.decode(chunk.value, { stream: true })
    const blocks = text.split(/\r?\n\r?\n/)
    text = blocks.pop() as string
    for (const block of blocks) yield Object.fromEntries(block.split(/\r?\n/).map(fieldOf))
  }
}

/** A comment has no name. */
function fieldOf(line: string): [name: string, value: string] {
  const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
  return [name, value]
}
