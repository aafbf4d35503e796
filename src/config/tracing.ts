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

/** null: no traces. */
export function readTracing({ text, url, number, oneOf, pairs }: Environment): TracingConfig | null {
  const base = url('OTEL_EXPORTER_OTLP_ENDPOINT', ['http:', 'https:'])
  const endpoint = url('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', ['http:', 'https:']) ?? base?.replace(/\/*$/, '/v1/traces') ?? null
  if (endpoint === null || text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return null

  // The variable for traces overrides the one for all signals.
  const protocol = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'].find(name => text(name) !== null)
  if (protocol !== undefined) oneOf(protocol, ['http/json'], null)
  const resource = pairs('OTEL_RESOURCE_ATTRIBUTES')
  return {
    url: endpoint,
    headers: { ...pairs('OTEL_EXPORTER_OTLP_HEADERS'), ...pairs('OTEL_EXPORTER_OTLP_TRACES_HEADERS') },
    resource: { ...resource, 'service.name': text('OTEL_SERVICE_NAME') ?? resource['service.name'] ?? 'taskspec' },
    sampler: oneOf('OTEL_TRACES_SAMPLER', samplers, 'parentbased_always_on'),
    ratio: number('OTEL_TRACES_SAMPLER_ARG', 1, [0, 1]),
  }
}
