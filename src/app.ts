// Bytes in, bytes out. The only file that knows express.
import { randomUUIDv7 } from 'node:crypto'
import type { RequestListener } from 'node:http'
import cors from 'cors'
import express, { type Request, type Response } from 'express'
import proxyAddress from 'proxy-addr'
import type { Config } from './config.ts'
import type { AnyReply, OperationId } from './contract.ts'
import type { Log } from './log.ts'
import { isEndless, linger, malformed, mostOf, readBody, target } from './message.ts'
import type { Metrics } from './metrics.ts'
import { Problem } from './problem.ts'
import type { Request as Asked, Route, Router } from './router.ts'
import { Shed, type Shedding, type Visit } from './shedding.ts'
import { type Step, type Steps, serverTiming } from './steps.ts'
import { traceparent } from './traceparent.ts'
import type { Tracing } from './tracing.ts'

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
  const trusted = typeof trustProxy === 'number' ? (_: string, hop: number) => hop < trustProxy : proxyAddress.compile([...trustProxy])
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

  async function answer(request: Request, response: Response, refusal?: Problem) {
    const began = performance.now()
    const taken: Step[] = steps === null ? none : []
    const requestId = idOf(request)
    const { pathname, query } = split(request.url)
    let route: Route | undefined
    let visit: Visit | undefined
    let reply: AnyReply
    let shed: Shed | undefined
    let failure: unknown
    let announced: Record<string, string> | undefined
    try {
      if (refusal !== undefined) throw refusal
      const found = router(request.method, pathname)
      route = found
      visit = shedding.enter(vital.has(found.operationId))
      const { receive } = visit
      const asked: Asked = {
        headers: request.headers,
        query,
        body: () => receive(mostOf(request), () => readBody(request, response)),
        address: () => network(proxyAddress(request, trusted)),
        announce: headers => {
          announced = headers
        },
      }
      reply = await (steps === null ? found.answer(asked) : steps.into(taken, () => found.answer(asked)))
    } catch (error) {
      if (error instanceof Shed) shed = error
      const problem = error instanceof Problem ? error : new Problem('internal', { cause: error })
      if (problem.status >= 500) failure = problem.cause
      const body = problem.body(pathname, requestId)
      reply = { status: problem.status, headers: problem.headers, type: 'application/problem+json', body }
    }
    visit?.leave()
    const ours = { ...always, 'X-Api-Version': version, 'X-Request-Id': requestId, ...route?.headers, ...announced }
    if (timing) Object.assign(ours, { 'Server-Timing': serverTiming(taken, performance.now() - began), 'Timing-Allow-Origin': '*' })
    const unread = isEndless(request)
    write(response, reply, unread || stopping() ? { ...ours, Connection: 'close' } : ours)
    if (unread) linger(request)
    else if (shed !== undefined) shedding.hold(response)
    // The operation says which path it was: the path itself and its query are people's content.
    const ended = performance.now()
    const ms = ended - began
    metrics?.request(route?.operationId, reply.status, ms / 1000)
    // A line or a span for each would be a load of its own.
    if (shed !== undefined) return void metrics?.shed(shed.reason)
    const { method } = request
    const { status } = reply
    const operation = route?.operationId
    const parent = request.headers.traceparent === undefined ? undefined : traceparent(request.headers.traceparent)
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
    if (refusal !== undefined) return void answer(request, response, refusal).catch(failed)
    request.url = target(request.url) as string
    app(request, response, failed)
  }
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

/** Who has an IPv6 address has a whole network of them: its first 64 bits count. */
function network(address: string): string {
  const [, mapped] = /^::ffff:([\d.]+)$/i.exec(address) ?? []
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address
  const [head = '', tail] = address.split('::')
  const groups = head.split(':')
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').length
  return [...groups, ...Array(Math.max(0, missing)).fill('0')]
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16))
    .join(':')
}

function split(url: string) {
  const mark = url.indexOf('?')
  return mark === -1 ? { pathname: url, query: '' } : { pathname: url.slice(0, mark), query: url.slice(mark + 1) }
}
