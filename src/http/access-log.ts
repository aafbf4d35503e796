// Reports each request after its reply to the operators: one log line, the metrics and a trace.
import type { IncomingMessage } from 'node:http'
import type { Problem } from '../contract/problem.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Step } from '../observe/spans.ts'
import { traceparent } from '../observe/traceparent.ts'
import type { Tracing } from '../observe/tracing.ts'
import type { Operation } from '../pipeline/pipeline.ts'
import { Shed } from './shedding.ts'
import type { StreamEnd } from './stream.ts'

export type RequestRecord = {
  request: IncomingMessage
  requestId: string
  /** undefined where no path and method fits */
  operation: Operation | undefined
  status: number
  problem: Problem | undefined
  /** of a reply whose body was a stream */
  end: StreamEnd | undefined
  /** of performance.now() */
  began: number
  /** when a live body began, which is the end of the request for the metrics */
  headAt?: number | undefined
  steps: readonly Step[]
}
export type AccessLog = (record: RequestRecord) => void
type Options = { log: Log; metrics: Metrics | null; tracing: Tracing | null }

/** The operation says which path it was: the path itself and its query are content of the user. */
export function createAccessLog({ log, metrics, tracing }: Options): AccessLog {
  return ({ request, requestId, operation, status, problem, end, began, headAt, steps }) => {
    const ended = performance.now()
    const ms = ended - began
    const operationId = operation?.operationId
    const outcome = end === undefined || end.outcome === 'complete' ? undefined : end.outcome
    metrics?.request(operationId, status, ((headAt ?? ended) - began) / 1000)
    if (outcome !== undefined) metrics?.aborted(operationId)
    // A line or a span for each would be a load of its own.
    if (problem instanceof Shed) return metrics?.shed(problem.reason)
    const { method = '', headers } = request
    const parent = headers.traceparent === undefined ? undefined : traceparent(headers.traceparent)
    const trace = { method, operation: operationId, template: operation?.path, status, parent, began, ended, steps }
    const place = tracing?.add(trace) ?? parent
    const { code } = (problem?.cause ?? {}) as NodeJS.ErrnoException // why a token is refused
    const line = {
      requestId,
      traceId: place?.traceId,
      spanId: place?.spanId,
      method,
      operation: operationId,
      status,
      code: status === 401 ? code : undefined,
      outcome,
      ms: Math.round(ms * 10) / 10,
    }
    const error = end?.error ?? (status >= 500 ? problem?.cause : undefined)
    if (error === undefined) log.info(line, 'request')
    else log.error({ ...line, error }, 'request')
  }
}
