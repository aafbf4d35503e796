// Bytes in, bytes out. The only file that knows express.
import { randomUUIDv7 } from 'node:crypto'
import type { RequestListener } from 'node:http'
import cors from 'cors'
import express, { type Request, type Response } from 'express'
import proxyAddress from 'proxy-addr'
import type { Config } from './config.ts'
import type { AnyReply } from './contract.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { Problem } from './problem.ts'
import type { Request as Asked, Route, Router } from './router.ts'
import { type Step, type Steps, serverTiming } from './steps.ts'
import { traceparent } from './traceparent.ts'
import type { Tracing } from './tracing.ts'

type Options = {
  router: Router
  log: Log
  metrics: Metrics | null
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
const always = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
}
const none: Step[] = [] // for everybody: where nobody watches, nothing is put in
const localhost = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

export function createApp({
  router,
  log,
  metrics,
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
  app.use((request, response, next) => (request.headers.origin === undefined ? next() : crossOrigin(request, response, next)))

  app.use(async (request, response) => {
    const began = performance.now()
    const taken: Step[] = steps === null ? none : []
    const requestId = idOf(request)
    const { pathname, query } = split(request.url)
    let route: Route | undefined
    let reply: AnyReply
    let failure: unknown
    let announced: Record<string, string> | undefined
    try {
      const found = router(request.method, pathname)
      route = found
      const asked: Asked = {
        headers: request.headers,
        query,
        body: () => readBody(request, response),
        address: () => network(proxyAddress(request, trusted)),
        announce: headers => {
          announced = headers
        },
      }
      reply = await (steps === null ? found.answer(asked) : steps.into(taken, () => found.answer(asked)))
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem('internal', { cause: error })
      if (problem.status >= 500) failure = problem.cause
      const body = problem.body(pathname, requestId)
      reply = { status: problem.status, headers: problem.headers, type: 'application/problem+json', body }
    }
    const ours = { ...always, 'X-Api-Version': version, 'X-Request-Id': requestId, ...route?.headers, ...announced }
    if (timing) Object.assign(ours, { 'Server-Timing': serverTiming(taken, performance.now() - began), 'Timing-Allow-Origin': '*' })
    write(response, reply, stopping() ? { ...ours, Connection: 'close' } : ours)
    // The operation says which path it was: the path itself and its query are people's content.
    const ended = performance.now()
    const ms = ended - began
    metrics?.request(route?.operationId, reply.status, ms / 1000)
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
  })
  // A router and not a whole app, which would give every request and response another prototype: a tenth of a small request.
  return (request, response) =>
    app(request as Request, response as Response, (error: unknown) => {
      log.error({ error }, 'reply failed')
      response.destroy()
    })
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

const parse = express.raw({ type: () => true, limit: '1mb', inflate: false })

async function readBody(request: Request, response: Response): Promise<Buffer | undefined> {
  const failure = await new Promise<{ type?: string } | undefined>(resolve => parse(request, response, resolve))
  if (failure === undefined) return request.body
  if (failure.type === 'entity.too.large') throw new Problem('content-too-large', { cause: failure })
  if (failure.type === 'encoding.unsupported') throw new Problem('unsupported-media-type', { cause: failure })
  throw new Problem('malformed-json', { detail: 'The body ended before it was whole.', cause: failure })
}
