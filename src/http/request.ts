// A request as HTTP has it (RFC 9110, RFC 9112): whether its framing can be trusted, its target, and its body.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Problem, unsupportedMediaType } from '../contract/problem.ts'
import type { BodyRules, Content } from '../pipeline/judge.ts'
import { acceptedType, isJson, isUncoded } from './media-type.ts'
import { setOwnDeadline } from './sockets.ts'

const authority = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i

/** Why a request that Node accepts must be refused; undefined where it is fine. */
export function malformed(request: IncomingMessage): Problem | undefined {
  const { httpVersion, method, headers } = request
  const { host, 'transfer-encoding': coding } = headers
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return refusal('The version of HTTP must be 1.1.')
  if (host === undefined ? httpVersion === '1.1' : !authority.test(host)) return refusal('There must be one Host: a name or an address.')
  if (coding !== undefined && (httpVersion === '1.0' || coding.toLowerCase() !== 'chunked'))
    return refusal('The only transfer coding is chunked, since HTTP/1.1.')
  // RFC 9110, section 14.5: otherwise a part would replace the whole.
  if (method === 'PUT' && headers['content-range'] !== undefined) return refusal('A PUT takes a whole resource, without Content-Range.')
  if (target(request) === undefined) return refusal('The target must be a path, with or without a query.')
}

const refusal = (detail: string) => new Problem('malformed-request', { detail })

/**
 * Path and query. The authority of an absolute target such as http://example.com/path is ignored. `*` is the whole server, for OPTIONS only;
 * so is an absolute target without a path (RFC 9112, section 3.2.4). Undefined for any other target.
 */
export function target({ method, url = '' }: Pick<IncomingMessage, 'method' | 'url'>): string | undefined {
  if (url.includes('#')) return undefined
  if (url.startsWith('/')) return url
  const [absolute, rest = ''] = /^https?:\/\/[^/?]+(.*)$/i.exec(url) ?? []
  if (method === 'OPTIONS' && (url === '*' || (absolute !== undefined && rest === ''))) return '*'
  return absolute === undefined || rest.startsWith('/') ? absolute && rest : `/${rest}`
}

/** Waits for a body that takes so many bytes of memory. Throws when there is no room for them. */
type Receive = <Body>(bytes: number, body: () => Promise<Body>) => Promise<Body>

/** for a request that is read as a whole, and for the first bytes of another one */
export const defaultRequestMs = 30_000
const minBytesPerMs = 35 // of a body that is read in chunks: 32 MiB take 16 minutes
const maxBufferedBytes = 128 * 1024 // of a body that is read in chunks: the buffers of socket and parser

/** The body, as far as the operation accepts it: JSON as a whole, any other media type in chunks. `waitMs` is for the first of them. */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  rules: BodyRules,
  receive: Receive,
  waitMs: number,
): Promise<Content> {
  const { types, maxBytes } = rules
  const { 'content-encoding': coding, 'content-length': length, 'transfer-encoding': transfer } = request.headers
  if (transfer === undefined && Number(length ?? 0) === 0) return { json: undefined }
  const type = acceptedType(request.headers['content-type'] ?? '', types)
  const isCoded = coding !== undefined && !isUncoded(coding)
  if (type === undefined || isCoded) throw unsupportedMediaType(rules, { isKnown: type !== undefined, isCoded })
  if (Number(length) > maxBytes) throw tooLarge(maxBytes)

  const bytes = transfer === undefined ? Number(length) : maxBytes
  if (isJson(type)) return { json: parseJson(await receive(bytes, () => readWhole(request, response, maxBytes))) }
  await receive(Math.min(bytes, maxBufferedBytes), async () => {})
  return { type, chunks: readChunks(request, response, maxBytes, receive, waitMs) }
}

function tooLarge(maxBytes: number): Problem {
  const [unit, size] = maxBytes % 2 ** 20 === 0 ? ['MiB', 2 ** 20] : maxBytes % 2 ** 10 === 0 ? ['KiB', 2 ** 10] : ['bytes', 1]
  return new Problem('content-too-large', { detail: `The body exceeds ${maxBytes / Number(size)} ${unit}.` })
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch (cause) {
    throw new Problem('malformed-json', { cause })
  }
}

function readWhole(request: IncomingMessage, response: ServerResponse, maxBytes: number): Promise<Buffer> {
  invite(request, response)
  return new Promise((resolve, reject) => {
    // 'close' is not emitted again for a client that disconnected during authentication.
    if (request.destroyed) return reject(incomplete())
    const chunks: Buffer[] = []
    let size = 0
    function append(chunk: Buffer) {
      size += chunk.length
      if (size <= maxBytes) return void chunks.push(chunk)
      request.off('data', append).pause()
      reject(tooLarge(maxBytes))
    }
    request.on('data', append)
    request.once('end', () => resolve(Buffer.concat(chunks)))
    request.once('close', () => reject(incomplete()))
  })
}

/**
 * Reads a chunk only when the handler asks for it (backpressure). If the handler stops early, the rest of the body is discarded. The time of
 * the whole request does not count, because the handler may take long; the time that the client takes does.
 */
async function* readChunks(request: IncomingMessage, response: ServerResponse, maxBytes: number, receive: Receive, waitMs: number) {
  const incoming: AsyncIterator<Buffer> = request.iterator({ destroyOnReturn: false })
  let leftMs = waitMs
  let size = 0
  let isLate = false
  setOwnDeadline(request)
  try {
    invite(request, response)
    for (;;) {
      const began = performance.now()
      const next = await receive(0, () => within(leftMs, incoming.next()))
      if (next === undefined) {
        isLate = true
        throw new Problem('request-timeout')
      }
      if (next.done) return
      size += next.value.length
      leftMs += next.value.length / minBytesPerMs - (performance.now() - began)
      if (size > maxBytes) throw tooLarge(maxBytes)
      yield next.value
    }
  } catch (error) {
    throw error instanceof Problem ? error : incomplete(error)
  } finally {
    const ended = incoming.return?.() // waits for a chunk that is asked for
    if (!isLate) await ended
    request.resume()
  }
}

/** Resolves with undefined if the value does not come in time. */
async function within<Value>(milliseconds: number, value: Promise<Value>): Promise<Value | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), milliseconds)
  try {
    return await Promise.race([value, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

const incomplete = (cause?: unknown) => new Problem('malformed-request', { detail: 'The body ended before it was complete.', cause })

/** Asks for the body of a client that waits to be asked (RFC 9110, section 10.1.1). */
function invite({ headers, httpVersion }: IncomingMessage, response: ServerResponse): void {
  if (headers.expect?.toLowerCase() === '100-continue' && httpVersion === '1.1') response.writeContinue()
}
