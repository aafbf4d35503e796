// Bytes in, bytes out. The only file that knows express.
import { randomUUIDv7 } from 'node:crypto'
import type { RequestListener } from 'node:http'
import cors from 'cors'
import express, { type Request, type Response } from 'express'
import type { Config } from '../config/config.ts'
import { Problem } from '../contract/problem.ts'
import type { AnyReply, OperationId } from '../contract/types.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { type Step, type Steps, serverTiming } from '../observe/spans.ts'
import { traceparent } from '../observe/traceparent.ts'
import type { Tracing } from '../observe/tracing.ts'
import { createClientAddress } from './client-address.ts'
import { isEndless, linger, malformed, mostOf, readBody, target } from './request.ts'
import type { Route, Router } from './router.ts'
import { Shed, type Shedding, type Visit } from './shedding.ts'

type Options = {
  router: Router
  log: Log
  metrics: Metrics | null
  shedding: Shedding
  /** null: nobody watches */
  steps?: Steps | null
  tracing?: Tracing | null
  /** whether replies say where the time went, for which there must be steps */
  timing?: boolean
  /** of the spec that is served */
  version: string
  /** null: every origin on localhost */
  corsOrigins: readonly string[] | null
  /** whether the process is stopping, so that connections should end */
  stopping: () => boolean
  /** how many proxies stand in front, or their addresses */
  trustProxy: Config['trustProxy']
}

type Outcome = {
  reply: AnyReply
  /** undefined where no operation was found */
  route: Route | undefined
  /** headers of the reply whatever it is */
  announced: Record<string, string> | undefined
  /** where the request was sent away unseen */
  shed: Shed | undefined
  /** why it is a 5xx */
  failure: unknown
}

// Replies are data of one person: nothing may keep, frame, sniff or run them.
export const always = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
}
const none: Step[] = [] // for everybody: where nobody watches, nothing is put in
// Who looks after the process must hear from it most of all when there is too much to do.
const vital = new Set<OperationId>(['getLiveness', 'getReadiness'])
const localhost = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

export function createApp({
  router,
  log,
  metrics,
  shedding,
  steps = null,
  tracing = null,
  timing = false,
  version,
  corsOrigins,
  stopping,
  trustProxy,
}: Options): RequestListener {
  const app = express.Router()
  const clientAddress = createClientAddress(trustProxy)
  const exposedHeaders = [
    'Deprecation',
    'ETag',
    'Location',
    'RateLimit',
    'RateLimit-Policy',
    'Retry-After',
    'Sunset',
    'WWW-Authenticate',
    'X-Api-Version',
    'X-Request-Id',
  ]
  const crossOrigin = cors({ origin: corsOrigins === null ? localhost : [...corsOrigins], exposedHeaders, maxAge: 86_400 })
  // Who doesn't say where they come from is no web page of another origin.
  app.use((request, response, next) => {
    if (request.headers.origin === undefined) return next()
    crossOrigin(request, response, next)
    if (response.writableEnded && isEndless(request)) linger(request) // a browser's question, which has its answer
  })

  app.use((request, response) => answer(request, response))

  async function answer(request: Request, response: Response) {
    const began = performance.now()
    const requestId = idOf(request)
    const taken: Step[] = steps === null ? none : []
    const reach = () => reached(request, response, requestId)
    const outcome = await (steps === null ? reach() : steps.into(taken, reach))
    send(request, response, requestId, outcome, timing ? serverTiming(taken, performance.now() - began) : undefined)
    note(request, requestId, outcome, began, taken)
  }

  /** At once: Node is about to object to what comes behind it, and would let the reply fall. */
  function refuse(request: Request, response: Response, problem: Problem) {
    const began = performance.now()
    const requestId = idOf(request)
    const reply = told(problem, request, requestId)
    const outcome = { reply, route: undefined, announced: undefined, shed: undefined, failure: undefined }
    send(request, response, requestId, outcome)
    note(request, requestId, outcome, began, none)
  }

  /** What comes of a request: never rejects. */
  async function reached(request: Request, response: Response, requestId: string): Promise<Outcome> {
    const { pathname, query } = split(request.url)
    let route: Route | undefined
    let visit: Visit | undefined
    let announced: Record<string, string> | undefined
    try {
      route = router(request.method, pathname)
      visit = shedding.enter(vital.has(route.operationId))
      const { receive } = visit
      const reply = await route.answer({
        headers: request.headers,
        query,
        body: () => receive(mostOf(request), () => readBody(request, response)),
        address: () => clientAddress(request),
        announce: headers => {
          announced = headers
        },
      })
      return { reply, route, announced, shed: undefined, failure: undefined }
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem('internal', { cause: error })
      return {
        reply: told(problem, request, requestId),
        route,
        announced,
        shed: error instanceof Shed ? error : undefined,
        failure: problem.status >= 500 ? problem.cause : undefined,
      }
    } finally {
      visit?.leave()
    }
  }

  function send(request: Request, response: Response, requestId: string, { route, reply, announced, shed }: Outcome, times?: string) {
    const ours = { ...always, 'X-Api-Version': version, 'X-Request-Id': requestId, ...route?.headers, ...announced }
    if (times !== undefined) Object.assign(ours, { 'Server-Timing': times, 'Timing-Allow-Origin': '*' })
    const unread = isEndless(request)
    write(response, reply, unread || stopping() ? { ...ours, Connection: 'close' } : ours)
    if (unread) linger(request)
    else if (shed !== undefined) shedding.delayNextRequest(response)
  }

  /** For those who look after the server. The operation says which path it was: the path itself and its query are people's content. */
  function note({ method, headers }: Request, requestId: string, { route, reply, shed, failure }: Outcome, began: number, taken: Step[]) {
    const { status } = reply
    const ended = performance.now()
    const ms = ended - began
    metrics?.request(route?.operationId, status, ms / 1000)
    // A line or a span for each would be a load of its own.
    if (shed !== undefined) return metrics?.shed(shed.reason)
    const operation = route?.operationId
    const parent = headers.traceparent === undefined ? undefined : traceparent(headers.traceparent)
    const place = tracing?.add({ method, operation, template: route?.template, status, parent, began, ended, steps: taken }) ?? parent
    const line = {
      requestId,
      traceId: place?.traceId,
      spanId: place?.spanId,
      method,
      operation,
      status,
      ms: Math.round(ms * 10) / 10,
    }
    if (failure === undefined) log.info(line, 'request')
    else log.error({ ...line, error: failure }, 'request')
  }

  // A router and not a whole app, which would give every request and response another prototype: a tenth of a small request.
  return (incoming, outgoing) => {
    const [request, response] = [incoming as Request, outgoing as Response]
    const failed = (error: unknown) => {
      log.error({ error }, 'reply failed')
      response.destroy()
    }
    const refusal = malformed(request)
    request.url = target(request.url) ?? request.url
    if (refusal === undefined) return app(request, response, failed)
    try {
      refuse(request, response, refusal)
    } catch (error) {
      failed(error)
    }
  }
}

function told(problem: Problem, { url }: Request, requestId: string): AnyReply {
  const body = problem.body(split(url).pathname, requestId)
  return { status: problem.status, headers: problem.headers, type: 'application/problem+json', body }
}

function write(response: Response, { status, headers, type, body }: AnyReply, common: Record<string, string>) {
  if (body === undefined) return void response.writeHead(status, { ...common, ...headers } as Record<string, string>).end()
  const text = typeof body === 'string' && type !== undefined ? body : JSON.stringify(body)
  const media = { 'Content-Type': charset(type ?? 'application/json'), 'Content-Length': String(Buffer.byteLength(text)) }
  response.writeHead(status, { ...common, ...media, ...headers } as Record<string, string>).end(text)
}

const charset = (type: string) => (type.startsWith('text/') ? `${type}; charset=utf-8` : type)

function idOf(request: Request): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : randomUUIDv7()
}

function split(url: string) {
  const mark = url.indexOf('?')
  return mark === -1 ? { pathname: url, query: '' } : { pathname: url.slice(0, mark), query: url.slice(mark + 1) }
}
