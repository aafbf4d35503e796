import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { type AddressInfo, Server as Listener } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { createAuthenticator } from './auth/authenticator.ts'
import { isWorker } from './cluster.ts'
import type { AuthConfig } from './config/auth.ts'
import type { Config } from './config/config.ts'
import { document } from './contract/document.ts'
import { createDatabase } from './database/database.ts'
import { sharedPending } from './database/migrations.ts'
import { accountLock } from './domain/revision.ts'
import { createHandlers } from './handlers/index.ts'
import { createApp } from './http/app.ts'
import { connections, type Patience } from './http/listener.ts'
import { exporter } from './http/metrics-endpoint.ts'
import { origin } from './http/origin.ts'
import { createRouter } from './http/router.ts'
import { createShedding } from './http/shedding.ts'
import type { Log } from './observe/log.ts'
import { metrics } from './observe/metrics.ts'
import { steps as noted } from './observe/spans.ts'
import { limits as counted } from './pipeline/rate-limit.ts'

type Settings = Pick<
  Config,
  'host' | 'port' | 'poolSize' | 'pooler' | 'corsOrigins' | 'limits' | 'metricsPort' | 'timing' | 'tracing' | 'trustProxy'
> & {
  databaseUrl: string
  auth: AuthConfig
}
export type Options = {
  log: Log
  observe?: (statement: string) => void
  /** Stands between the network and the app; for the sandbox. */
  around?: (app: RequestListener) => RequestListener
  /** for tests, which can't wait as long as real callers are waited for */
  patience?: Partial<Patience>
  /** requests under way before others are sent away; for tests */
  most?: number
}

export type Server = {
  url: string
  /** where the metrics are; null where they are nowhere, or with the process that supervises this one */
  metricsUrl: string | null
  /** Answers what is under way, for 10 seconds at the most, and lets go of the database. */
  stop: () => Promise<void>
}

const drain = 10_000 // ms
const linger = 200 // ms that idle connections stay open at the end: a request may be on its way on any of them

/** Puts the parts together and listens. */
export async function serve(
  { host, port, poolSize, pooler, corsOrigins, limits, metricsPort, timing, tracing: traces, trustProxy, databaseUrl, auth }: Settings,
  { log, observe, around = app => app, patience = {}, most }: Options,
): Promise<Server> {
  let stopping = false
  const tracing = traces === null ? null : (await import('./observe/tracing.ts')).tracing(traces, document.info.version, log)
  const steps = timing || tracing !== null ? noted() : null
  const db = createDatabase({ url: databaseUrl, poolSize, pooler, ownerLock: accountLock, steps, ...(observe && { observe }) })
  const handlers = createHandlers(db, () => stopping)
  const verify = createAuthenticator(auth)
  const authenticate = steps === null ? verify : steps.step('authentication', verify)
  const router = await createRouter({ document, handlers, authenticate, limits: counted(limits, db), steps })
  const shedding = createShedding(log, most)
  const measured = metricsPort === null ? null : metrics(db, sharedPending(db), shedding)
  const { version } = document.info
  const app = createApp({
    router,
    log,
    metrics: measured,
    shedding,
    steps,
    tracing,
    timing,
    version,
    corsOrigins,
    stopping: () => stopping,
    trustProxy,
  })
  const server = connections(around(app), { log, metrics: measured, version, patience })
  server.listen(port, host)
  await once(server, 'listening')
  const { address, port: bound } = server.address() as AddressInfo
  const operators = measured === null || isWorker ? null : await exporter(measured, host, metricsPort as number)

  return {
    url: origin(address, bound),
    metricsUrl: operators?.url ?? null,
    async stop() {
      stopping = true
      const closed = once(server, 'close')
      Listener.prototype.close.call(server) // takes no connection any more; that of HTTP would also end those that are idle
      await Promise.race([closed, sleep(linger).then(() => turn())]) // a turn, so that what has come is read
      server.close()
      const cut = setTimeout(() => server.closeAllConnections(), drain)
      await closed
      clearTimeout(cut)
      await db.close()
      shedding.close()
      await tracing?.close()
      operators?.close()
    },
  }
}
