// The HTTP server: what a connection may take, and the refusal of a request that Node can't parse.
import { randomUUIDv7 } from 'node:crypto'
import { createServer, type IncomingMessage, METHODS, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Problem } from '../contract/problem.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { commonHeaders, problemReply, rawReply } from './reply.ts'
import { defaultRequestMs } from './request.ts'
import { admit, endConnection, hasOwnDeadline, newestResponse, stopParsing } from './sockets.ts'

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
  /** for the last reply to arrive before its connection is destroyed */
  lingerMs: number
}

const defaults: Timeouts = {
  headersMs: 10_000, // a phone in a tunnel needs seconds; a client that needs more holds the connection instead of using it
  requestMs: defaultRequestMs, // 1 MiB at 35 kB/s
  idleMs: 40_000, // above the time of any operation, and above requestMs, so that a slow client gets its 408
  keepAliveMs: 65_000, // above the 60 s of most proxies: the side that sends requests should be the one that closes
  checkMs: 1_000,
  lingerMs: 500,
}
const maxHeaderBytes = 64 * 1024 // the longest valid query has 50 labels of 50 characters, each up to 12 bytes when encoded
const maxHeaders = 200 // browsers and proxies send some 30

type Options = { log: Log; metrics: Metrics | null; version: string; timeouts?: Partial<Timeouts> }

/** A server that doesn't listen yet. The requests of a connection are not limited: proxies keep theirs for days. */
export function createListener(app: RequestListener, { log, metrics, version, timeouts }: Options): Server {
  const { headersMs, requestMs, idleMs, keepAliveMs, checkMs, lingerMs } = { ...defaults, ...timeouts }
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

  // A client that has closed its side still gets the replies that are due. Node does not document this property.
  Object.assign(server, { httpAllowHalfOpen: true })

  function answer(request: IncomingMessage, response: ServerResponse<IncomingMessage> & { req: IncomingMessage }) {
    if (admit(response)) app(request, response)
    else request.resume()
  }
  server.on('request', answer)
  server.on('checkContinue', answer) // the app asks for the body when it wants it
  server.on('checkExpectation', answer) // any other expectation gets the ordinary reply

  type Refusal = { problem: Problem; code: string | undefined }
  const refusals = new WeakMap<Socket, Refusal>()

  /** Refuses what arrived behind the requests that were read, once their replies are written. */
  function refuse(socket: Socket, refusal: Refusal) {
    refusals.set(socket, refusal)
    stopParsing(socket)
    whenDue(newestResponse(socket), () => socket.destroySoon())
  }

  function end(socket: Socket) {
    if (!socket.writable) return
    const refusal = refusals.get(socket)
    const bytes = refusal !== undefined && isAwaited(newestResponse(socket)) ? written(refusal) : undefined
    endConnection(socket, lingerMs, bytes)
  }

  function written({ problem, code }: Refusal): string {
    const requestId = randomUUIDv7()
    metrics?.request(undefined, problem.status, 0)
    log.info({ requestId, status: problem.status, code }, 'refused')
    return rawReply(problemReply(problem, '', requestId), commonHeaders(version, requestId))
  }

  server.on('connection', socket => {
    socket.destroySoon = () => end(socket) // Node calls it after the last reply, and would close the connection immediately
  })
  server.on('clientError', (error: NodeJS.ErrnoException & Packet, connection) => {
    const socket = connection as Socket
    if (socket.writableEnded || refusals.has(socket)) return
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && hasOwnDeadline(newestResponse(socket)?.req)) return
    const problem = problemOf(error)
    if (problem === undefined || socket.bytesRead === 0 || isBroken(newestResponse(socket))) socket.destroy()
    else refuse(socket, { problem, code: error.code })
  })
  // Without a listener Node closes the connection. It has removed its own listeners from the socket.
  server.on('connect', (_, connection) => {
    const socket = connection as Socket
    socket.on('error', () => {})
    refuse(socket, { problem: new Problem('not-implemented', { detail: 'The server is no proxy.' }), code: 'CONNECT' })
  })
  return server
}

/** What Node adds to the error of its parser. */
type Packet = { rawPacket?: Buffer; bytesParsed?: number }

/** Undefined where the error is one of the connection, so that no client is left to read a reply. */
function problemOf({ code = '', rawPacket, bytesParsed = 0 }: NodeJS.ErrnoException & Packet): Problem | undefined {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem('request-timeout')
  if (code === 'HPE_HEADER_OVERFLOW') return new Problem('headers-too-large')
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return new Problem('content-too-large', { detail: 'The chunk extensions are too long.' })
  if (!code.startsWith('HPE_')) return undefined
  return new Problem(isUnknownMethod(code, rawPacket, bytesParsed) ? 'not-implemented' : 'malformed-request')
}

const token = /[\w!#$%&'*+.^`|~-]/
const requestLine = /^([\w!#$%&'*+.^`|~-]+) [\x21-\x7e]+ HTTP\/1\.[01]\r\n/

/** Whether the parser stopped in a well-formed request line, because Node does not know its method (RFC 9110, section 9.1). */
function isUnknownMethod(code: string, packet: Buffer | undefined, position: number): boolean {
  const text = packet?.toString('latin1') ?? ''
  let start = position
  // Node knows methods of other protocols, and stops at the version.
  if (code === 'HPE_INVALID_CONSTANT' || code === 'HPE_INVALID_VERSION') start = text.lastIndexOf(' ', text.lastIndexOf(' ', position) - 1)
  else if (code !== 'HPE_INVALID_METHOD') return false
  while (token.test(text.charAt(start - 1))) start -= 1 // the line need not begin behind another: a body may end there
  const [, method] = requestLine.exec(text.slice(start)) ?? []
  return method !== undefined && !METHODS.includes(method)
}

/** Calls back when the replies are written that come before a refusal: at once if there are none. */
function whenDue(newest: ServerResponse<IncomingMessage> | undefined, then: () => void): void {
  const isReplaced = newest !== undefined && !newest.req.complete && !newest.headersSent // by the refusal
  if (newest === undefined || newest.writableFinished || (isReplaced && newest.socket !== null)) then()
  else if (!isReplaced) newest.once('finish', then)
  else newest.once('socket', () => whenDue(newest, then)) // behind the replies to the requests before it
}

/** Whether the client takes a further reply for the one to what is refused: to the newest request, or to the bytes behind it. */
function isAwaited(newest: ServerResponse<IncomingMessage> | undefined): boolean {
  if (newest === undefined) return true
  return newest.req.complete ? newest.shouldKeepAlive : !newest.headersSent
}

/** Whether the reply to an incomplete request has begun and may wait for the rest. */
function isBroken(newest: ServerResponse<IncomingMessage> | undefined): boolean {
  return newest !== undefined && !newest.req.complete && newest.headersSent && !newest.writableEnded
}
