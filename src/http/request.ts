// A request as HTTP has it (RFC 9110, RFC 9112): whether it can be believed, where it goes, and its body.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Problem } from '../contract/problem.ts'

const largest = 1024 * 1024 // bytes of a body
const grace = 500 // ms, and as many bytes as a body may have

const authority = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i

/** Why a request that Node takes for HTTP must not be believed; undefined where it may. */
export function malformed({ httpVersion, headers, url = '' }: IncomingMessage): Problem | undefined {
  const { host, 'transfer-encoding': coding } = headers
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return refusal('The version of HTTP must be 1.1.')
  if (host === undefined ? httpVersion === '1.1' : !authority.test(host)) return refusal('There must be one Host: a name or an address.')
  if (coding !== undefined && (httpVersion === '1.0' || coding.toLowerCase() !== 'chunked'))
    return refusal('The only transfer coding is chunked, since HTTP/1.1.')
  if (target(url) === undefined) return refusal('The target must be a path, with or without a query.')
}

const refusal = (detail: string) => new Problem('malformed-request', { detail, headers: { Connection: 'close' } })

/** Path and query. Who stands before them in a target like http://example.com/path doesn't matter here; undefined for anything else. */
export function target(url: string): string | undefined {
  if (url.includes('#')) return undefined
  if (url.startsWith('/') || url === '*') return url
  const [absolute, rest = ''] = /^https?:\/\/[^/?]+(.*)$/i.exec(url) ?? []
  return absolute === undefined || rest.startsWith('/') ? absolute && rest : `/${rest}`
}

/** Reads the body, and no further than it may be long. Throws what is wrong with it. */
export async function readBody(request: IncomingMessage, response: ServerResponse): Promise<Buffer> {
  const { 'content-encoding': coding = 'identity', 'content-length': length, expect } = request.headers
  if (coding.toLowerCase() !== 'identity') throw new Problem('unsupported-media-type')
  if (Number(length) > largest) throw new Problem('content-too-large')
  if (expect?.toLowerCase() === '100-continue' && request.httpVersion === '1.1') response.writeContinue()

  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    function take(chunk: Buffer) {
      size += chunk.length
      if (size <= largest) return void chunks.push(chunk)
      request.off('data', take).pause()
      reject(new Problem('content-too-large'))
    }
    request.on('data', take)
    request.once('end', () => resolve(Buffer.concat(chunks)))
    request.once('close', () => reject(new Problem('malformed-json', { detail: 'The body ended before it was whole.' })))
  })
}

/** How many bytes of a body there may come to be. */
export function mostOf({ headers }: IncomingMessage): number {
  return headers['transfer-encoding'] === undefined ? Math.min(Number(headers['content-length'] ?? 0), largest) : largest
}

/** Whether more of the body may come than anybody wants to read. */
export function isEndless({ complete, headers }: IncomingMessage): boolean {
  return !complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > largest)
}

/**
 * To be called after a reply with `Connection: close` to a body that is still coming. A connection that is closed while bytes arrive
 * is reset, and the reply lost on its way: so who was answered may go on for a moment.
 */
export function linger(request: IncomingMessage): void {
  const { socket } = request
  const cut = () => socket.destroy()
  const timer = setTimeout(cut, grace)
  socket.once('close', () => clearTimeout(timer))
  socket.destroySoon = () => socket.end() // by which Node would close it at once
  let rest = largest
  request.on('data', chunk => {
    rest -= chunk.length
    if (rest < 0) cut()
  })
}
