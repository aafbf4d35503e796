// Streams of events as a client reads them.
import { eventually } from './clock.ts'

export type Received = { id: string; revision: number; kinds: string[] }
export type Listener = {
  response: Response
  /** the events so far */
  events: Received[]
  /** everything so far */
  text: () => string
  /** Waits for the event after the last one that was asked for. */
  next: () => Promise<Received>
  /** Resolves at the end of the stream; rejects if it is broken. */
  ended: Promise<void>
  close: () => void
}

/** Opens a stream of `me`. */
export async function listen(url: string, token: string, headers: Record<string, string> = {}): Promise<Listener> {
  const abort = new AbortController()
  const response = await fetch(`${url}/v1/users/me/events`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    signal: abort.signal,
  })
  const events: Received[] = []
  let text = ''
  let asked = 0

  async function read() {
    let parsed = 0
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString()
      for (let end = text.indexOf('\n\n', parsed); end !== -1; end = text.indexOf('\n\n', parsed)) {
        const [, id, data] = /^id: (.*)\nevent: revision\ndata: (.*)$/.exec(text.slice(parsed, end)) ?? []
        if (id !== undefined) events.push({ id, ...JSON.parse(data as string) })
        parsed = end + 2
      }
    }
  }
  const ended = read()
  ended.catch(() => {})
  return {
    response,
    events,
    text: () => text,
    async next() {
      const event = await eventually(() => {
        if (events[asked] === undefined) throw new Error(`no event ${asked} in ${text}`)
        return events[asked] as Received
      })
      asked += 1
      return event
    },
    ended,
    close: () => abort.abort(),
  }
}

export const isEventStream = (type: string | null | undefined): boolean => type?.startsWith('text/event-stream') === true
export const hasEvent = (text: string): boolean => /^data: .*\n\n/m.test(text)

/** The text of a reply; of a stream of events that may never end, that of its first event. */
export async function textOf(response: Response): Promise<string> {
  const { headers, body } = response
  if (!isEventStream(headers.get('content-type')) || headers.has('content-length') || body === null) return response.text()
  let text = ''
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    if (hasEvent(text)) break
  }
  return text
}
