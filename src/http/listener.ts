// What a connection may take, and what is said to who sends no request.
import { randomUUIDv7 } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type Kind, Problem } from '../contract/problem.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { always } from './app.ts'

/** How long a connection is waited for, in ms. */
export type Patience = {
  /** until the headers of a request are there */
  head: number
  /** until all of a request is there */
  request: number
  /** while neither side sends anything, though a reply is not written or not read */
  still: number
  /** for the next request */
  idle: number
  /** how often to look who is late */
  look: number
}

const usual: Patience = {
  head: 10_000, // a phone in a tunnel needs seconds; who needs more is holding the connection, not using it
  request: 30_000, // 1 MiB at 35 kB/s
  still: 40_000, // longer than any operation takes, and than a request may come, so that it is told so
  idle: 65_000, // longer than proxies keep theirs, which is 60 s mostly: the side that sends should be the one that closes
  look: 1_000,
}
const longestHead = 64 * 1024 // bytes: the longest valid query has 50 labels of 50 characters, each up to 12 bytes when encoded
const mostHeaders = 200 // browsers and proxies send some 30
const grace = 500 // ms for a refusal to arrive

type Options = { log: Log; metrics: Metrics | null; version: string; patience?: Partial<Patience> }

/** A server, not listening yet. Requests on one connection are not counted: proxies keep theirs for days. */
export function connections(listener: RequestListener, { log, metrics, version, patience }: Options): Server {
  const { head, request, still, idle, look } = { ...usual, ...patience }
  const server = createServer({
    maxHeaderSize: longestHead,
    headersTimeout: head,
    requestTimeout: request,
    keepAliveTimeout: idle,
    connectionsCheckingInterval: look,
    requireHostHeader: false, // Node's own refusal is not a problem as ours are
    joinDuplicateHeaders: true, // else the first Host, Authorization or Content-Type counts here, and perhaps the last in front of us
  })
  server.maxHeadersCount = mostHeaders
  server.timeout = still

  const last = new WeakMap<Socket, ServerResponse>()
  function answer(request: IncomingMessage, response: ServerResponse<IncomingMessage> & { req: IncomingMessage }) {
    last.set(request.socket, response)
    listener(request, response)
  }
  server.on('request', answer)
  server.on('checkContinue', answer) // which asks for the body when it wants it
  server.on('checkExpectation', answer) // who expects something else gets the ordinary reply

  const refused = new WeakSet<Socket>()
  server.on('clientError', (error: NodeJS.ErrnoException, connection) => {
    const socket = connection as Socket
    if (refused.has(socket)) return
    const kind = kindOf(error)
    if (kind === undefined || socket.bytesRead === 0 || !socket.writable || !isDue(last.get(socket))) return void socket.destroy()

    refused.add(socket)
    last.get(socket)?.req.pause() // should the rest of it come now, nobody may act on it
    const requestId = randomUUIDv7()
    const problem = new Problem(kind)
    socket.end(text(problem, { ...always, 'X-Api-Version': version, 'X-Request-Id': requestId }, requestId))
    setTimeout(() => socket.destroy(), grace)
    metrics?.request(undefined, problem.status, 0)
    log.info({ requestId, status: problem.status, code: error.code }, 'refused')
  })
  return server
}

/** Undefined where nobody is there any more to be told. */
function kindOf({ code = '' }: NodeJS.ErrnoException): Kind | undefined {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request-timeout'
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers-too-large'
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return 'content-too-large'
  return code.startsWith('HPE_') ? 'malformed-request' : undefined
}

/** Whether a refusal would be the reply to what is refused, and not be taken for another one. */
function isDue(last: ServerResponse | undefined): boolean {
  if (last === undefined) return true
  return last.req.complete ? last.writableFinished : !last.headersSent
}

function text(problem: Problem, headers: Record<string, string>, requestId: string): string {
  const body = JSON.stringify(problem.body('', requestId))
  const all = {
    ...headers,
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  }
  const lines = Object.entries({ ...all, Date: new Date().toUTCString() }).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`, ...lines, '', body].join('\r\n')
}
