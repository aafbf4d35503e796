// The HTTP server: what a connection may take, and the refusal of a request that Node can't parse.
import { randomUUIDv7 } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Problem } from '../contract/problem.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { commonHeaders, problemReply, rawReply } from './reply.ts'

export type Timeouts = {
  /** until the headers of a request are complete */
  headersMs: number
  /** until all of a request is there */
  requestMs: number
  /** without a byte in either direction while a request is in flight, because its reply is not written or not read */
  idleMs: number
  /** until the next request on a connection */
  keepAliveMs: number
  /** between two looks for late requests */
  checkMs: number
  /** for a refusal to arrive before its connection is destroyed */
  refusalMs: number
}

const defaults: Timeouts = {
  headersMs: 10_000, // a phone in a tunnel needs seconds; a client that needs more holds the connection instead of using it
  requestMs: 30_000, // 1 MiB at 35 kB/s
  idleMs: 40_000, // above the time of any operation, and above requestMs, so that a slow client gets its 408
  keepAliveMs: 65_000, // above the 60 s of most proxies: the side that sends requests should be the one that closes
  checkMs: 1_000,
  refusalMs: 500,
}
const maxHeaderBytes = 64 * 1024 // the longest valid query has 50 labels of 50 characters, each up to 12 bytes when encoded
const maxHeaders = 200 // browsers and proxies send some 30

type Options = { log: Log; metrics: Metrics | null; version: string; timeouts?: Partial<Timeouts> }

/** A server that doesn't listen yet. The requests of a connection are not limited: proxies keep theirs for days. */
export function createListener(app: RequestListener, { log, metrics, version, timeouts }: Options): Server {
  const { headersMs, requestMs, idleMs, keepAliveMs, checkMs, refusalMs } = { ...defaults, ...timeouts }
  const server = createServer({
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: checkMs,
    requireHostHeader: false, // Node's own refusal is no problem document
    joinDuplicateHeaders: true, // otherwise the first Host, Authorization or Content-Type counts here, and perhaps the last in a proxy
  })
  server.maxHeadersCount = maxHeaders
  server.timeout = idleMs

  const last = new WeakMap<Socket, ServerResponse>()
  function answer(request: IncomingMessage, response: ServerResponse<IncomingMessage> & { req: IncomingMessage }) {
    last.set(request.socket, response)
    app(request, response)
  }
  server.on('request', answer)
  server.on('checkContinue', answer) // the app asks for the body when it wants it
  server.on('checkExpectation', answer) // any other expectation gets the ordinary reply

  const refused = new WeakSet<Socket>()
  server.on('clientError', (error: NodeJS.ErrnoException, connection) => {
    const socket = connection as Socket
    if (refused.has(socket)) return
    const problem = problemOf(error)
    if (problem === undefined || socket.bytesRead === 0 || !socket.writable || !isDue(last.get(socket))) return void socket.destroy()

    refused.add(socket)
    last.get(socket)?.req.pause() // if the rest of the request comes now, nothing may act on it
    const requestId = randomUUIDv7()
    socket.end(rawReply(problemReply(problem, '', requestId), commonHeaders(version, requestId)))
    const timer = setTimeout(() => socket.destroy(), refusalMs)
    socket.once('close', () => clearTimeout(timer))
    metrics?.request(undefined, problem.status, 0)
    log.info({ requestId, status: problem.status, code: error.code }, 'refused')
  })
  return server
}

/** Undefined where the error is one of the connection, so that no client is left to read a reply. */
function problemOf({ code = '' }: NodeJS.ErrnoException): Problem | undefined {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem('request-timeout')
  if (code === 'HPE_HEADER_OVERFLOW') return new Problem('headers-too-large')
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return new Problem('content-too-large', { detail: 'The chunk extensions are too long.' })
  return code.startsWith('HPE_') ? new Problem('malformed-request') : undefined
}

/** Whether a refusal would be taken for the reply to the refused request, and not for the reply to another one. */
function isDue(last: ServerResponse | undefined): boolean {
  if (last === undefined) return true
  return last.req.complete ? last.writableFinished : !last.headersSent
}
