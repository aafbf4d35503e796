import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { origin } from './origin.ts'

/** Serves the metrics at /metrics, on a port of their own that only operators reach. */
export async function serveMetrics(
  { text }: Pick<Metrics, 'text'>,
  host: string,
  port: number,
  log: Log,
): Promise<{ url: string; close: () => void }> {
  const server = createServer(async (request, response) => {
    if (request.url !== '/metrics') return void response.writeHead(404).end()
    const body = await text().catch(error => void log.error({ error }, 'metrics failed'))
    if (body === undefined) response.writeHead(503).end()
    else response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }).end(body)
  })
  server.listen(port, host)
  await once(server, 'listening')
  const bound = (server.address() as AddressInfo).port
  return {
    url: `${origin(host, bound)}/metrics`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
