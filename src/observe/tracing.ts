// Requests as traces, sent with OTLP over HTTP. The only file that knows OpenTelemetry; it is loaded only where traces are wanted.
// Spans are made when a request has been answered, from its steps. Names and attributes follow the semantic conventions, without user
// content: no path, no query, no id, no value of a statement, no message of an error, no address.
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
export type TracedRequest = {
  method: string
  /** undefined where no path and method fits */
  operation: string | undefined
  /** the path of the operation as the spec writes it */
  template: string | undefined
  status: number
  parent: Parent | undefined
  began: number
  ended: number
  steps: readonly Step[]
}
export type Tracing = {
  /** Queues the trace of a request, and returns the place of the request in it. */
  add: (request: TracedRequest) => Place
  /** Sends the queued traces, for 3 seconds at most. */
  close: () => Promise<void>
}

// Traces that can't be sent are dropped: a collector that is down must cost neither time nor memory.
const queue = { maxQueueSize: 8_192, maxExportBatchSize: 512, scheduledDelayMillis: 2_000 }
const exportTimeoutMs = 3_000 // of a batch with its retries, and of all that is left at shutdown

export function createTracing({ url, headers, resource, sampler, ratio }: TracingConfig, version: string, log: Log): Tracing {
  const options = { url, headers: { ...headers }, timeoutMillis: exportTimeoutMs, concurrencyLimit: 4, keepAlive: true }
  const exporter = reporting(new OTLPTraceExporter(options), log)
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ 'service.version': version, ...resource })),
    sampler: samplers(ratio)[sampler],
    spanProcessors: [new BatchSpanProcessor({ exporter, ...queue, exportTimeoutMillis: exportTimeoutMs })],
  })
  const tracer = provider.getTracer('taskspec', version)

  return {
    add(request) {
      const epoch = Date.now() - performance.now() // for each request, because the clock can be adjusted
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
      let timer: NodeJS.Timeout | undefined
      const timeout = new Promise(resolve => {
        timer = setTimeout(resolve, exportTimeoutMs)
      })
      await Promise.race([provider.shutdown().catch(() => {}), timeout]) // the exporter has logged the error
      clearTimeout(timer)
    },
  }

  /** A step that has not ended, such as a count that the request did not wait for, ends with its request. */
  function add(step: Step, { operation, ended }: TracedRequest, inside: Context, epoch: number) {
    const startTime = epoch + step.began
    const span =
      step.name === 'statement' ? statement(step, operation, startTime, inside) : tracer.startSpan(step.name, { startTime }, inside)
    for (const at of step.sent) span.addEvent('sent', {}, epoch + at)
    if (step.error !== undefined) fail(span, step.error)
    span.end(epoch + (step.ended ?? ended))
  }

  function statement(step: Step, operation: string | undefined, startTime: number, inside: Context): Span {
    const { statement: name = neverSent, questions = 1 } = step
    return tracer.startSpan(name, { kind: SpanKind.CLIENT, startTime, attributes: ofStatement(name, questions, operation) }, inside)
  }
}

function fail(span: Span, error: unknown) {
  span.setAttribute('error.type', typeOf(error))
  if (!(error instanceof Problem) || error.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
}

const neverSent = 'wait' // the name of a statement that got no connection
const methods = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE', 'QUERY'])
const methodOf = ({ method }: TracedRequest) => (methods.has(method) ? method : '_OTHER')

/** Without `url.path` and `url.query`: they are user content. */
function ofRequest(request: TracedRequest): Attributes {
  return {
    'http.request.method': methodOf(request),
    'http.response.status_code': request.status,
    'url.scheme': 'http',
    ...(request.template !== undefined && { 'http.route': request.template }),
    ...(request.status >= 500 && { 'error.type': String(request.status) }),
  }
}

/** A statement that serves several callers is in the trace of each of them, with their number. */
function ofStatement(name: string, questions: number, operation: string | undefined): Attributes {
  return {
    'db.system.name': 'postgresql',
    'db.query.summary': name,
    ...(operation !== undefined && { 'taskspec.operation': operation }),
    ...(questions > 1 && { 'db.operation.batch.size': questions }),
  }
}

/** A code, such as an SQLSTATE, or a name: never a message, which can quote user content. */
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

/** The library doesn't report that traces are lost. So the log says it once, and once when they arrive again. */
function reporting(exporter: SpanExporter, log: Log): SpanExporter {
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
