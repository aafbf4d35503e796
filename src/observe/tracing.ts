// Requests as traces, sent with OTLP over HTTP. The only file that knows OpenTelemetry; it is loaded only where traces are wanted.
// Everything happens when a request is over, from the steps that it noted. Names and attributes follow the semantic conventions, without
// what is people's content: no path, no query, no id, no value of a statement, no message of an error, no address.
import { type Attributes, type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { TracingConfig } from '../config/tracing.ts'
import { Problem } from '../contract/problem.ts'
import type { Log } from './log.ts'
import type { Step } from './spans.ts'
import type { Parent, Place } from './traceparent.ts'

/** A request that has been answered. Times are those of performance.now(). */
export type Answered = {
  method: string
  /** what it asked for by the contract, and the path there; undefined where no path fits */
  operation: string | undefined
  template: string | undefined
  status: number
  parent: Parent | undefined
  began: number
  ended: number
  steps: readonly Step[]
}
export type Tracing = {
  /** Queues the trace of a request, and says where the request is found in it. */
  add: (request: Answered) => Place
  /** Sends what is queued, for a few seconds at the most. */
  close: () => Promise<void>
}

// What can't be sent is dropped: neither a request nor the memory waits for whoever collects.
const queue = { maxQueueSize: 8_192, maxExportBatchSize: 512, scheduledDelayMillis: 2_000 }
const patience = 3_000 // ms for a batch, with its retries; at the end for everything

export function tracing({ url, headers, resource, sampler, ratio }: TracingConfig, version: string, log: Log): Tracing {
  const sending = { url, headers: { ...headers }, timeoutMillis: patience, concurrencyLimit: 4, keepAlive: true }
  const exporter = reported(new OTLPTraceExporter(sending), log)
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ 'service.version': version, ...resource })),
    sampler: samplers(ratio)[sampler],
    spanProcessors: [new BatchSpanProcessor({ exporter, ...queue, exportTimeoutMillis: patience })],
  })
  const tracer = provider.getTracer('taskspec', version)

  return {
    add(request) {
      const epoch = Date.now() - performance.now() // anew, because the clock is set now and then
      const span = tracer.startSpan(
        request.operation ?? methodOf(request),
        { kind: SpanKind.SERVER, startTime: epoch + request.began, attributes: ofRequest(request) },
        contextOf(request.parent),
      )
      if (request.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
      const inside = trace.setSpan(ROOT_CONTEXT, span)
      if (span.isRecording()) for (const step of request.steps) if (step.name !== 'validation') add(step, request, inside, epoch)
      span.end(epoch + request.ended)
      const { traceId, spanId } = span.spanContext()
      return { traceId, spanId }
    },
    async close() {
      let late: NodeJS.Timeout | undefined
      const given = new Promise(resolve => {
        late = setTimeout(resolve, patience)
      })
      await Promise.race([provider.shutdown().catch(() => {}), given]) // the exporter has told the log
      clearTimeout(late)
    },
  }

  /** A step that still goes on, such as a count that nobody waited for, ends with its request. */
  function add(step: Step, { operation, ended }: Answered, inside: Context, epoch: number) {
    const startTime = epoch + step.began
    const span =
      step.name === 'statement' ? statement(step, operation, startTime, inside) : tracer.startSpan(step.name, { startTime }, inside)
    for (const at of step.sent) span.addEvent('sent', {}, epoch + at)
    if (step.error !== undefined) fail(span, step.error)
    span.end(epoch + (step.ended ?? ended))
  }

  function statement({ text, questions = 1 }: Step, operation: string | undefined, startTime: number, inside: Context): Span {
    const name = summary(text)
    return tracer.startSpan(name, { kind: SpanKind.CLIENT, startTime, attributes: ofStatement(name, questions, operation) }, inside)
  }
}

function fail(span: Span, error: unknown) {
  span.setAttribute('error.type', typeOf(error))
  if (!(error instanceof Problem) || error.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
}

const known = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE', 'QUERY'])
const methodOf = ({ method }: Answered) => (known.has(method) ? method : '_OTHER')

/** `url.path` and `url.query` are left out: they are people's content. */
function ofRequest(request: Answered): Attributes {
  return {
    'http.request.method': methodOf(request),
    'http.response.status_code': request.status,
    'url.scheme': 'http',
    ...(request.template !== undefined && { 'http.route': request.template }),
    ...(request.status >= 500 && { 'error.type': String(request.status) }),
  }
}

/** A statement that answers several is in the trace of each of them, with their number. */
function ofStatement(name: string, questions: number, operation: string | undefined): Attributes {
  return {
    'db.system.name': 'postgresql',
    'db.query.summary': name,
    ...(operation !== undefined && { 'taskspec.operation': operation }),
    ...(questions > 1 && { 'db.operation.batch.size': questions }),
  }
}

/** What a statement does to which tables, as `insert users insert tasks`; `wait` where it never went off. */
export function summary(text: string | undefined): string {
  if (text === undefined) return 'wait'
  const own = new Set(Array.from(text.matchAll(/\b(\w+)(?: \([^()]*\))? as (?:materialized )?\(/g), ([, name]) => name))
  const touched = /\b(insert into|delete from|update|from|join) (?!lateral\b|set\b|skip\b)(\w+)(?=\s|$|\))/g
  const all = Array.from(text.matchAll(touched), ([, verb, table]) => ({ verb: verbs[verb as keyof typeof verbs], table }))
  return [...new Set(all.filter(({ table }) => !own.has(table)).map(({ verb, table }) => `${verb} ${table}`))].join(' ') || 'statement'
}

const verbs = { 'insert into': 'insert', 'delete from': 'delete', update: 'update', from: 'select', join: 'select' }

/** A code, such as an SQLSTATE, or a name: never a message, which can quote what people wrote. */
function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  if ('code' in error && typeof error.code === 'string') return error.code
  if (error.cause !== undefined) return typeOf(error.cause)
  return error instanceof Problem ? error.kind : error.name
}

function contextOf(parent: Parent | undefined): Context {
  if (parent === undefined) return ROOT_CONTEXT
  const { traceId, spanId, sampled } = parent
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}

function samplers(ratio: number): Record<TracingConfig['sampler'], Sampler> {
  const roots = { always_on: new AlwaysOnSampler(), always_off: new AlwaysOffSampler(), traceidratio: new TraceIdRatioBasedSampler(ratio) }
  return {
    ...roots,
    parentbased_always_on: new ParentBasedSampler({ root: roots.always_on }),
    parentbased_always_off: new ParentBasedSampler({ root: roots.always_off }),
    parentbased_traceidratio: new ParentBasedSampler({ root: roots.traceidratio }),
  }
}

/** The library keeps to itself that nobody takes the traces: the log says it once, and once when they are taken again. */
function reported(exporter: SpanExporter, log: Log): SpanExporter {
  let failing = false
  return {
    export: (spans, done) =>
      exporter.export(spans, result => {
        const failed = result.error !== undefined
        if (failed && !failing) log.warn({ error: result.error }, 'traces are lost')
        if (!failed && failing) log.info('traces arrive again')
        failing = failed
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
  }
}
