// The only place that turns replies and problems into bytes.
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Problem } from '../contract/problem.ts'
import type { AnyReply, Stream } from '../contract/types.ts'
import { cancel, type StreamEnd, type StreamOptions, writeStream } from './stream.ts'

type Headers = Record<string, string>

// A reply has data of one user: nothing may keep, frame, sniff or run it.
const always = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
}

/** The headers of every reply, and behind them up to three sets of this one's own. */
export function commonHeaders(version: string, requestId: string, first?: Headers, second?: Headers, third?: Headers): Headers {
  return { ...always, 'X-Api-Version': version, 'X-Request-Id': requestId, ...first, ...second, ...third }
}

export function problemReply(problem: Problem, instance: string, requestId: string): AnyReply {
  const { status, headers } = problem
  return { status, headers, type: 'application/problem+json', body: problem.body(instance, requestId) }
}

/** The reply for clients that find this server under a prefix. Its handler knows paths without the prefix. */
export function prefixed(reply: AnyReply, prefix: string): AnyReply {
  const path = reply.headers?.Location
  return prefix === '' || path === undefined ? reply : { ...reply, headers: { ...reply.headers, Location: `${prefix}${path}` } }
}

/** Writes a reply. Where its body is a stream, this resolves at the end of the stream. */
export function writeReply(
  response: ServerResponse,
  reply: AnyReply,
  common: Headers,
  options: StreamOptions,
): Promise<StreamEnd> | undefined {
  if (isStreamed(reply)) return writeStreamed(response, reply, common, options)
  const bytes = bytesOf(reply)
  response.writeHead(reply.status, headersOf(reply, common, bytes)).end(bytes)
}

/** The bytes of a reply to a request that Node could not parse, on a connection that ends. */
export function rawReply(reply: AnyReply, common: Headers): string {
  const text = bytesOf(reply)
  const headers = headersOf(reply, { ...common, Connection: 'close', Date: new Date().toUTCString() }, text)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status]}`, ...lines, '', text ?? ''].join('\r\n')
}

function bytesOf({ type, body }: AnyReply): string | Uint8Array | undefined {
  return body === undefined || body instanceof Uint8Array || (typeof body === 'string' && type !== undefined) ? body : JSON.stringify(body)
}

function headersOf({ type = 'application/json', headers }: AnyReply, common: Headers, bytes: string | Uint8Array | undefined): Headers {
  if (bytes === undefined) return { ...common, ...headers } as Headers
  const content = { 'Content-Type': withCharset(type), 'Content-Length': String(Buffer.byteLength(bytes)) }
  return { ...common, ...content, ...headers } as Headers
}

const withCharset = (type: string) => (type.startsWith('text/') ? `${type}; charset=utf-8` : type)

type Streamed = AnyReply & { type: string; body: Stream }

function isStreamed({ type, body }: AnyReply): boolean {
  return type !== undefined && typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}

/** Sends the head immediately, because the first chunk may come much later. */
async function writeStreamed(response: ServerResponse, reply: AnyReply, common: Headers, options: StreamOptions): Promise<StreamEnd> {
  const { status, type, headers, body, ...live } = reply as Streamed
  try {
    response.writeHead(status, { ...common, 'Content-Type': withCharset(type), ...headers } as Headers).flushHeaders()
  } catch (error) {
    void cancel(body[Symbol.asyncIterator](), options.log)
    throw error
  }
  return writeStream(response, body, live, options)
}
