// The parts of a server put together, and its shutdown.
import { once, setMaxListeners } from 'node:events'
import type { Server as HttpServer, RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { createAuthenticator } from './auth/authenticator.ts'
import { createHub, type Watch } from './background/events.ts'
import { createOutgoing } from './background/outgoing.ts'
import { type Expiry, startPurge } from './background/purge.ts'
import { startWebhooks, type WebhookQueue, type WebhookTiming } from './background/webhooks.ts'
import type { AuthConfig } from './config/auth.ts'
import type { Config } from './config/config.ts'
import type { DatabaseUrl } from './config/database-url.ts'
import type { Document } from './contract/document.ts'
import type { Replies } from './contract/idempotency-key.ts'
import type { AnyHandlers } from './contract/types.ts'
import type { OwnerLock } from './database/batched-writes.ts'
import { createDatabase, type Database } from './database/database.ts'
import { sharedPending } from './database/migrations.ts'
import { type Surroundings, api as taskspec } from './handlers/index.ts'
import { createApp } from './http/app.ts'
import { createListener, type Timeouts } from './http/listener.ts'
import { serveMetrics } from './http/metrics-endpoint.ts'
import { origin } from './http/origin.ts'
import { createShedding, reasons } from './http/shedding.ts'
import { stopAccepting } from './http/sockets.ts'
import type { Log } from './observe/log.ts'
import { createMetrics } from './observe/metrics.ts'
import { createSteps } from './observe/spans.ts'
import { createPipeline } from './pipeline/pipeline.ts'
import { createRateLimit } from './pipeline/rate-limit.ts'
import { createListCache } from './resource/list-cache.ts'

type Settings = Pick<
  Config,
  | 'host'
  | 'port'
  | 'publicUrl'
  | 'poolSize'
  | 'workers'
  | 'pooler'
  | 'sharded'
  | 'corsOrigins'
  | 'limits'
  | 'privateWebhooks'
  | 'listCacheBytes'
  | 'maxEventStreams'
  | 'metricsPort'
  | 'timing'
  | 'tracing'
  | 'trustProxy'
> & {
  databaseUrl: DatabaseUrl
  auth: AuthConfig
}

/** The API that a server serves. The layers below know nothing else of it. */
export type Api = {
  document: Document
  handlers: (db: Database, surroundings: Surroundings) => AnyHandlers
  /** locks the accounts of several owners; without it, changes of several owners share no statement */
  ownerLock?: OwnerLock
  /** what a process removes between requests; nothing where it is undefined */
  expiry?: (db: Database) => Expiry
  /** what live events are about; without it, `openEvents` fails */
  watch?: (db: Database) => Watch
  /** the deliveries of webhooks; none where it is undefined */
  webhooks?: (db: Database) => WebhookQueue
  /** where replies to repeated requests are stored; needed if an operation takes an Idempotency-Key and does not reply 201 */
  replies?: (db: Database) => Replies
  /** the folder of its migrations; those of this product where it is undefined */
  migrations?: URL
}

export type Options = {
  log: Log
  api?: Api
  /** Sees the text of each statement; for tests. */
  observe?: (statement: string) => void
  /** Wraps the app; for the sandbox. */
  around?: (app: RequestListener) => RequestListener
  /** for tests, which can't wait as long as a server waits for its clients */
  timeouts?: Partial<Timeouts> & { heartbeatMs?: number; drainMs?: number; purgeMs?: number; pollMs?: number; databaseFactor?: number }
  /** requests in flight before others are shed; for tests */
  maxInFlight?: number
  /** `off`: this process sends no deliveries, for the sandbox; other times for tests */
  webhooks?: WebhookTiming | 'off'
  /** whether another process supervises this one, and serves the metrics */
  supervised?: boolean
}

export type Server = {
  url: string
  /** null where there are no metrics, or the supervising process serves them */
  metricsUrl: string | null
  /** Answers the requests in flight, for 10 seconds at most, and closes the database. */
  stop: () => Promise<void>
}

/** Puts the parts together and listens. */
export async function serve(settings: Settings, options: Options): Promise<Server> {
  const {
    host,
    port,
    publicUrl,
    poolSize,
    workers,
    pooler,
    sharded,
    corsOrigins,
    limits,
    maxEventStreams,
    metricsPort,
    timing,
    trustProxy,
  } = settings
  const { databaseUrl, auth } = settings
  const { log, observe, around = app => app, timeouts = {}, maxInFlight, supervised = false } = options
  const api: Api = options.api ?? taskspec
  const { version } = api.document.info
  const stopping = new AbortController()
  setMaxListeners(0, stopping.signal) // one for each stream

  const tracing = settings.tracing && (await import('./observe/tracing.ts')).createTracing(settings.tracing, version, log)
  const steps = timing || tracing !== null ? createSteps() : null
  const { ownerLock } = api
  const db = createDatabase({
    ...{
      url: databaseUrl,
      poolSize,
      processes: workers,
      pooler,
      shared: !sharded,
      steps,
      ...(ownerLock && { ownerLock }),
      ...(observe && { observe }),
    },
    onSharingStopped: error => log.warn({ error, remedy: 'On Citus set DATABASE_SHARDED=citus.' }, 'sharing stopped'),
    timeoutFactor: timeouts.databaseFactor ?? 1,
  })
  const hub = createHub(api.watch?.(db), { log, stopping: stopping.signal, maxStreams: maxEventStreams, pollMs: timeouts.pollMs })
  const verify = createAuthenticator(auth, error => log.warn({ error }, 'key server'))
  const lists = createListCache(settings.listCacheBytes, () => db.load().lost)
  const webhooks =
    api.webhooks &&
    options.webhooks !== 'off' &&
    startWebhooks(api.webhooks(db), {
      ...{ log, stopping: stopping.signal, outgoing: createOutgoing({ privateAddresses: settings.privateWebhooks }) },
      ...options.webhooks,
    })
  const operations = await createPipeline({
    document: api.document,
    handlers: api.handlers(db, { ...settings, stopping: stopping.signal, lists, openEvents: hub.open }),
    authenticate: steps === null ? verify : steps.step('authentication', verify),
    rateLimit: createRateLimit(limits, db),
    replies: api.replies?.(db),
    changed(owner) {
      hub.changed(owner)
      if (webhooks) webhooks.changed(owner)
    },
    steps,
  })

  const shedding = createShedding(log, maxInFlight)
  const purge =
    api.expiry &&
    startPurge(api.expiry(db), { log, stopping: stopping.signal, waiting: () => db.load().waiting, roundMs: timeouts.purgeMs })
  const readings = {
    ...{ inFlight: shedding.inFlight, shedReasons: reasons, load: db.load, pending: sharedPending(db, api.migrations) },
    ...(settings.listCacheBytes > 0 && { lists: lists.counts }),
    ...(purge && { purge: purge.counts }),
    ...(api.watch && { events: hub.counts }),
    ...(webhooks && { webhooks: webhooks.counts }),
  }
  const metrics = metricsPort === null ? null : createMetrics(readings)
  const observers = { log, metrics, steps, tracing, timing }
  const { heartbeatMs, requestMs, drainMs = 10_000 } = timeouts
  const app = createApp({
    ...observers,
    operations,
    shedding,
    version,
    publicUrl,
    corsOrigins,
    stopping: stopping.signal,
    trustProxy,
    heartbeatMs,
    requestMs,
  })
  const server = createListener(around(app), { log, metrics, version, timeouts })
  server.listen(port, host)
  await once(server, 'listening')
  const bound = server.address() as AddressInfo
  const metricsServer = metrics === null || supervised ? null : await serveMetrics(metrics, host, metricsPort as number, log)

  return {
    url: origin(bound.address, bound.port),
    metricsUrl: metricsServer?.url ?? null,
    async stop() {
      stopping.abort()
      await drain(server, drainMs)
      await purge?.done
      if (webhooks) await webhooks.done
      await db.close()
      shedding.close()
      await tracing?.close()
      metricsServer?.close()
    },
  }
}

const idleMs = 200 // idle connections stay open this long at shutdown, because a request may still arrive on them

async function drain(server: HttpServer, drainMs: number): Promise<void> {
  const closed = once(server, 'close')
  stopAccepting(server)
  await Promise.race([closed, sleep(idleMs).then(() => turn())]) // one more turn reads requests that have arrived
  server.close()
  const deadline = setTimeout(() => server.closeAllConnections(), drainMs)
  await closed
  clearTimeout(deadline)
  // A destroyed socket emits 'close' in the next phase of the loop, behind the server. Streams end and are logged then.
  await turn()
  await turn()
}
