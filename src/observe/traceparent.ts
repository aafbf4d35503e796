/** The place of a request in a trace. */
export type Place = { traceId: string; spanId: string }
export type Parent = Place & { sampled: boolean }

const form = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/

/** Reads a traceparent header (W3C Trace Context); undefined where it is not valid. What a later version adds is ignored. */
export function traceparent(header: string | string[] | undefined): Parent | undefined {
  const [, version, traceId = '', spanId = '', flags = '', more] = (typeof header === 'string' && form.exec(header)) || []
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}
