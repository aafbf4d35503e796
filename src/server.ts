import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApp } from './app.ts'
import { authenticator } from './auth.ts'
import type { AuthConfig, Config } from './config.ts'
import { database } from './db.ts'
import { exporter } from './exporter.ts'
import { createHandlers } from './handlers/index.ts'
import { limits as counted } from './limits.ts'
import type { Log } from './log.ts'
import { metrics } from './metrics.ts'
import { pending } from './migrations.ts'
import { createRouter } from './router.ts'
import { document } from './spec.ts'
import { steps as noted } from './steps.ts'
import { isWorker } from './workers.ts'

type Settings = Pick<
  Config,
  'host' | 'port' | 'poolSize' | 'pooler' | 'corsOrigins' | 'limits' | 'metricsPort' | 'timing' | 'tracing' | 'trustProxy'
> & {
  databaseUrl: string
  auth: AuthConfig
}
type Options = {
  log: Log
  observe?: (statement: string) => void
  /** Stands between the network and the app; for the sandbox. */
  around?: (app: RequestListener) => RequestListener
}

export type Server = {
  url: string
  /** where the metrics are; null where they are nowhere, or with the process that supervises this one */
  metricsUrl: string | null
  /** Answers what is under way, for 10 seconds at the most, and lets go of the database. */
  stop: () => Promise<void>
}

const drain = 10_000 // ms
const longestHead = 64 * 1024 // bytes: the longest valid query has 50 labels of 50 characters, each up to 12 bytes when encoded

/** Puts the parts together and listens. */
export async function serve(
  { host, port, poolSize, pooler, corsOrigins, limits, metricsPort, timing, tracing: traces, trustProxy, databaseUrl, auth }: Settings,
  { log, observe, around = app => app }: Options,
): Promise<Server> {
  let stopping = false
  const tracing = traces === null ? null : (await import('./tracing.ts')).tracing(traces, document.info.version, log)
  const steps = timing || tracing !== null ? noted() : null
  const db = database({ url: databaseUrl, poolSize, pooler, steps, ...(observe && { observe }) })
  const handlers = createHandlers(db, () => stopping)
  const known = authenticator(auth)
  const authenticate = steps === null ? known : steps.step('authentication', known)
  const router = await createRouter({ document, handlers, authenticate, limits: counted(limits, db), steps })
  const measured = metricsPort === null ? null : metrics(db, async () => (await pending(db)).length)
  const app = createApp({
    router,
    log,
    metrics: measured,
    steps,
    tracing,
    timing,
    version: document.info.version,
    corsOrigins,
    stopping: () => stopping,
    trustProxy,
  })
  const server = createServer({ maxHeaderSize: longestHead }, around(app))
  server.listen(port, host)
  await once(server, 'listening')
  const operators = measured === null || isWorker ? null : await exporter(measured, host, metricsPort as number)

  return {
    url: origin(server.address() as AddressInfo),
    metricsUrl: operators?.url ?? null,
    async stop() {
      stopping = true
      const closed = once(server, 'close')
      server.close()
      const cut = setTimeout(() => server.closeAllConnections(), drain)
      await closed
      clearTimeout(cut)
      await db.close()
      await tracing?.close()
      operators?.close()
    },
  }
}

function origin({ address, family, port }: AddressInfo) {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
