// From a request to its reply: bytes in, bytes out. The only file that knows express.
import { randomUUIDv7 } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import cors from 'cors'
import express from 'express'
import type { Config } from '../config/config.ts'
import { Problem } from '../contract/problem.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { type Step, type Steps, serverTiming } from '../observe/spans.ts'
import type { Tracing } from '../observe/tracing.ts'
import type { Operation, Outcome, Request } from '../pipeline/pipeline.ts'
import { createAccessLog } from './access-log.ts'
import { createClientAddress } from './client-address.ts'
import { encoded } from './coding.ts'
import { allowedOrigins } from './origins.ts'
import { parseQuery } from './query.ts'
import { commonHeaders, prefixed, problemReply, writeReply } from './reply.ts'
import { defaultRequestMs, malformed, readBody, target } from './request.ts'
import { createRouter, type Route } from './router.ts'
import { Shed, type Shedding, type Visit } from './shedding.ts'
import { endWithNewest, isEndless } from './sockets.ts'

type Options = {
  operations: readonly Operation[]
  log: Log
  metrics: Metrics | null
  shedding: Shedding
  /** null: steps are not measured */
  steps?: Steps | null
  tracing?: Tracing | null
  /** whether replies have Server-Timing, for which there must be steps */
  timing?: boolean
  /** of the document that is served */
  version: string
  /** where clients find the API; null: where this server listens */
  publicUrl?: string | null
  /** null: every origin on localhost */
  corsOrigins: readonly string[] | null
  /** Aborts when the process begins to stop, so that connections end. */
  stopping: AbortSignal
  /** how many proxies stand in front, or their addresses */
  trustProxy: Config['trustProxy']
  /** 15 s where it is undefined */
  heartbeatMs?: number | undefined
  /** until a body that is read in chunks has begun; 30 s where it is undefined */
  requestMs?: number | undefined
}

const noSteps: Step[] = [] // shared: without measurement no step is added
const preflightSeconds = 86_400
const defaultHeartbeatMs = 15_000

export function createApp(options: Options): RequestListener {
  const { operations, log, metrics, shedding, steps = null, tracing = null, timing = false, version, stopping, trustProxy } = options
  const { requestMs = defaultRequestMs } = options
  // A proxy has removed this prefix from each path.
  const prefix = new URL(options.publicUrl ?? 'http://localhost').pathname.replace(/\/$/, '')
  const { find, methodHeaders, shown } = createRouter(operations, prefix)
  const accessLog = createAccessLog({ log, metrics, tracing })
  const clientAddress = createClientAddress(trustProxy)
  const streaming = { heartbeatMs: options.heartbeatMs ?? defaultHeartbeatMs, stopping, log }

  // A router and not a whole app, which would give every request and response another prototype: a tenth of a small request.
  const app = express.Router()
  app.use(crossOrigin(options))
  app.use((request, response) => answer(request, response))

  function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const began = performance.now()
    if (steps === null) return exchange(request, response, began, noSteps)
    const own: Step[] = []
    return steps.into(own, () => exchange(request, response, began, own))
  }

  async function exchange(request: IncomingMessage, response: ServerResponse, began: number, own: Step[]) {
    const requestId = idOf(request)
    const { pathname, query } = split(request.url ?? '')
    let operation: Operation | undefined
    let visit: Visit | undefined
    try {
      let outcome: Outcome
      try {
        if (request.method === 'OPTIONS') outcome = { headers: {}, reply: { status: 204, headers: methodHeaders(pathname) } }
        else {
          const route = find(request.method ?? '', pathname)
          operation = route.operation
          visit = shedding.enter(operation.vital)
          const describe = (problem: Problem) => problem.body(prefix + shown(pathname), requestId)
          outcome = await run(route, query, request, response, visit, describe)
          const { reply, headers } = outcome
          if (reply?.codings !== undefined) outcome = { headers, reply: await encoded(reply, request.headers) }
        }
      } catch (error) {
        outcome = refused(error)
      }
      const { headers, problem } = outcome
      const reply =
        outcome.reply === undefined ? problemReply(outcome.problem, prefix + shown(pathname), requestId) : prefixed(outcome.reply, prefix)
      const common = commonHeaders(version, requestId, operation?.headers, headers, timing ? timingHeaders(own, began) : undefined)
      if (isEndless(request)) response.shouldKeepAlive = false
      else if (stopping.aborted) endWithNewest(response)
      const written = writeReply(response, reply, common, streaming)
      if (problem instanceof Shed && response.shouldKeepAlive) shedding.delayNextRequest(response)
      const headAt = reply.heartbeat === undefined ? undefined : performance.now()
      // A live body does nothing most of the time, so it takes no slot of another request.
      if (headAt !== undefined) visit = leave(visit)
      const end = written === undefined ? undefined : await written
      accessLog({ request, requestId, operation, status: reply.status, problem, end, began, headAt, steps: own })
    } finally {
      leave(visit)
    }
  }

  function run(
    { operation, params }: Route,
    query: string,
    request: IncomingMessage,
    response: ServerResponse,
    visit: Visit,
    describe: Request['describe'],
  ) {
    return operation.run({
      authorization: request.headers.authorization,
      address: () => clientAddress(request),
      path: params,
      query: parseQuery(query, operation.query),
      headers: request.headers,
      describe,
      readBody: () => readBody(request, response, operation.body as NonNullable<Operation['body']>, visit.receive, requestMs),
    })
  }

  /** Writes the reply synchronously, so that no request behind it in the same packet is read. */
  function refuse(request: IncomingMessage, response: ServerResponse, problem: Problem) {
    const began = performance.now()
    const requestId = idOf(request)
    const reply = problemReply(problem, prefix + shown(split(request.url ?? '').pathname), requestId)
    response.shouldKeepAlive = false
    void writeReply(response, reply, commonHeaders(version, requestId), streaming)
    accessLog({ request, requestId, operation: undefined, status: reply.status, problem, end: undefined, began, steps: noSteps })
  }

  return (request, response) => {
    const failed = (error: unknown) => {
      log.error({ error }, 'reply failed')
      response.destroy()
    }
    const refusal = malformed(request)
    request.url = target(request) ?? request.url
    if (refusal === undefined) return app(request as express.Request, response as express.Response, failed)
    try {
      refuse(request, response, refusal)
    } catch (error) {
      failed(error)
    }
  }
}

function crossOrigin({ operations, corsOrigins }: Options): express.RequestHandler {
  const own = ['Deprecation', 'Sunset', 'X-Api-Version', 'X-Request-Id']
  const exposedHeaders = [...new Set([...own, ...operations.flatMap(({ replyHeaders }) => replyHeaders)])].sort()
  const handle = cors({ ...allowedOrigins(corsOrigins), exposedHeaders, maxAge: preflightSeconds })
  return (request, response, next) => {
    if (request.headers.origin === undefined) return next() // no web page of another origin
    if (isEndless(request)) response.shouldKeepAlive = false // a preflight gets its reply here
    handle(request, response, next)
  }
}

function leave(visit: Visit | undefined): undefined {
  visit?.leave()
}

function refused(error: unknown): Outcome {
  return { headers: {}, problem: error instanceof Problem ? error : new Problem('internal', { cause: error }) }
}

const timingHeaders = (steps: readonly Step[], began: number) => ({
  'Server-Timing': serverTiming(steps, performance.now() - began),
  'Timing-Allow-Origin': '*',
})

function idOf({ headers }: IncomingMessage): string {
  const id = headers['x-request-id']
  return typeof id === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(id) ? id : randomUUIDv7()
}

function split(url: string) {
  const queryStart = url.indexOf('?')
  return queryStart === -1 ? { pathname: url, query: '' } : { pathname: url.slice(0, queryStart), query: url.slice(queryStart + 1) }
}
