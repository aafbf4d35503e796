// OTEL_*: where traces go, by the variables of OpenTelemetry.
import type { Environment } from './environment.ts'

const samplers = [
  ...['always_on', 'always_off', 'traceidratio'],
  ...['parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'],
] as const

export type TracingConfig = Readonly<{
  url: string
  headers: Readonly<Record<string, string>>
  /** attributes of this process in its traces, at least `service.name` */
  resource: Readonly<Record<string, string>>
  sampler: (typeof samplers)[number]
  /** share of the traces that a sampler with a ratio records */
  ratio: number
}>

const defaultEndpoint = 'http://localhost:4318' // of OpenTelemetry, for an exporter that is named without an endpoint

/** null: no traces. */
export function readTracing(environment: Environment): TracingConfig | null {
  const { text, url, number, oneOf, pairs } = environment
  if (text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return null
  const exporter = oneOf('OTEL_TRACES_EXPORTER', ['otlp', 'none'], null)
  if (exporter === 'none') return null
  const base = url('OTEL_EXPORTER_OTLP_ENDPOINT', ['http:', 'https:']) ?? (exporter === null ? null : defaultEndpoint)
  const endpoint = url('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', ['http:', 'https:']) ?? base?.replace(/\/*$/, '/v1/traces') ?? null
  if (endpoint === null) return null

  refuseOthers(environment)
  const resource = pairs('OTEL_RESOURCE_ATTRIBUTES')
  return {
    url: endpoint,
    headers: { ...pairs('OTEL_EXPORTER_OTLP_HEADERS'), ...pairs('OTEL_EXPORTER_OTLP_TRACES_HEADERS') },
    resource: { ...resource, 'service.name': text('OTEL_SERVICE_NAME') ?? resource['service.name'] ?? 'taskspec' },
    sampler: oneOf('OTEL_TRACES_SAMPLER', samplers, 'parentbased_always_on'),
    ratio: number('OTEL_TRACES_SAMPLER_ARG', 1, [0, 1]),
  }
}

/** Refuses what the server does not do, because the operator would look in vain for its effect. */
function refuseOthers({ text, list, oneOf, errors }: Environment): void {
  // The variable for traces overrides the one for all signals.
  for (const setting of ['PROTOCOL', 'COMPRESSION']) {
    const name = [`OTEL_EXPORTER_OTLP_TRACES_${setting}`, `OTEL_EXPORTER_OTLP_${setting}`].find(each => text(each) !== null)
    if (name !== undefined) oneOf(name, setting === 'PROTOCOL' ? ['http/json'] : ['none', 'gzip'], null)
  }
  const others = list('OTEL_PROPAGATORS')?.filter(each => !['tracecontext', 'baggage'].includes(each)) ?? []
  if (others.length > 0) errors.push(`OTEL_PROPAGATORS must be tracecontext, or must not be set: "${others[0]}" is not supported`)
}
