// A collector of traces: OTLP over HTTP, as JSON.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

type Value = { stringValue?: string; intValue?: number; boolValue?: boolean; doubleValue?: number }
type Attribute = { key: string; value: Value }
type Payload = {
  resourceSpans: {
    resource: { attributes: Attribute[] }
    scopeSpans: {
      spans: {
        traceId: string
        spanId: string
        parentSpanId?: string
        name: string
        kind: number
        startTimeUnixNano: string
        endTimeUnixNano: string
        attributes: Attribute[]
        status: { code: number; message?: string }
        events?: { name: string }[]
      }[]
    }[]
  }[]
}
export type Span = {
  traceId: string
  spanId: string
  parent: string | undefined
  name: string
  kind: 'internal' | 'server' | 'client'
  /** ms since 1970 */
  began: number
  ended: number
  attributes: Record<string, unknown>
  failed: boolean
  events: string[]
}
export type Collector = {
  url: string
  /** all request bodies, as text */
  received: () => string
  spans: () => Span[]
  resources: () => Record<string, unknown>[]
  headers: IncomingHttpHeaders[]
}

/** `silent`: reads every request, and never answers. `broken`: whether it refuses the current request. */
export async function collector({ silent = false, broken = () => false as boolean, atEnd = onTestFinished } = {}): Promise<Collector> {
  const bodies: string[] = []
  const headers: IncomingHttpHeaders[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    if (silent) return
    if (broken()) return void response.writeHead(500).end()
    headers.push({ ...request.headers, ':path': request.url })
    bodies.push(Buffer.concat(chunks).toString())
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(() => {
    server.close()
    server.closeAllConnections()
  })
  const payloads = () => bodies.map(body => JSON.parse(body) as Payload).flatMap(({ resourceSpans }) => resourceSpans)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => bodies.join('\n'),
    resources: () => payloads().map(({ resource }) => valuesOf(resource.attributes)),
    headers,
    spans: () =>
      payloads().flatMap(({ scopeSpans }) =>
        scopeSpans.flatMap(({ spans }) =>
          spans.map(
            ({ traceId, spanId, parentSpanId, name, kind, startTimeUnixNano, endTimeUnixNano, attributes, status, events = [] }) => ({
              traceId,
              spanId,
              parent: parentSpanId || undefined,
              name,
              kind: ([undefined, 'internal', 'server', 'client'] as const)[kind] as Span['kind'],
              began: Number(startTimeUnixNano) / 1e6,
              ended: Number(endTimeUnixNano) / 1e6,
              attributes: valuesOf(attributes),
              failed: status.code === 2,
              events: events.map(each => each.name),
            }),
          ),
        ),
      ),
  }
}

function valuesOf(attributes: Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}
