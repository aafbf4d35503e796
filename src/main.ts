// The process: settings, the additions for development, the server or its workers, and the shutdown.
import './node-version.js'
import http from 'node:http' // as a whole: an older Node lacks names of it
import module from 'node:module'
import { isWorker, supervise } from './cluster.ts'
import { type Config, ConfigError, readConfig } from './config/config.ts'
import type { DatabaseUrl } from './config/database-url.ts'
import { serveMetrics } from './http/metrics-endpoint.ts'
import { origin } from './http/origin.ts'
import { createLog, type Log } from './observe/log.ts'
import { createClusterMetrics } from './observe/metrics.ts'

type Running = { url: string; metricsUrl: string | null; stop: () => Promise<void> }

async function main() {
  const config = readConfig()
  const log = createLog(config.logLevel)
  // After an uncaught exception the state of the process is unknown, so it ends.
  // Rejections have their own event, because Node would put a reason that is no error into the message of one.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error: unknown) => {
      log.fatal({ error }, 'uncaught exception')
      process.exit(1)
    })
  if (config.proxy !== null) http.setGlobalProxyFromEnv(config.proxy) // for `fetch`, which only the key server is asked with
  const embedded = config.databaseUrl === null ? await (await import('./dev/database.ts')).startEmbeddedDatabase() : null
  const auth = config.auth ?? (await (await import('./dev/key.ts')).developmentAuth())
  const databaseUrl = config.databaseUrl ?? (embedded?.url as DatabaseUrl)
  if (!isWorker && databaseUrl.warning !== null) log.warn({ warning: `DATABASE_URL ${databaseUrl.warning}` }, 'ignored')

  // Imported late, so that an older Node has read its version above before it meets syntax and names that it lacks.
  const { serve } = await import('./server.ts')
  const several = config.workers > 1 && !isWorker
  const server = await (several
    ? workers(config, embedded === null ? {} : { DATABASE_URL: embedded.text }, log)
    : serve({ ...config, databaseUrl, auth }, { log, supervised: isWorker })
  ).catch(async error => {
    await embedded?.stop()
    throw error
  })
  setImmediate(module.flushCompileCache) // now, because a process that is killed writes nothing
  if (config.production || isWorker)
    log.info({ url: server.url, metrics: server.metricsUrl ?? undefined, note: loopbackNote(config.host) }, 'listening')
  else process.stdout.write(await (await import('./dev/welcome.ts')).welcome({ url: server.url, config, embedded, auth }))

  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, async () => {
      if (stopping) return
      stopping = true
      log.info({ signal }, 'stopping')
      await server.stop()
      await embedded?.stop()
      log.info('stopped')
      process.exit(0)
    })
}

/** In a container only HOST=0.0.0.0 lets other machines connect, and the default is this machine alone. */
function loopbackNote(host: string): string | undefined {
  if (!/^(127\.|::1$|localhost$)/.test(host)) return undefined
  return 'Only this machine can connect. Set HOST=0.0.0.0 in a container, or HOST to the address of a network.'
}

/** Each worker serves as if it were alone; this process adds up their metrics. */
async function workers({ workers, host, metricsPort }: Config, env: Record<string, string>, log: Log): Promise<Running> {
  const { port, died, stop } = await supervise(workers, env, log)
  const metrics = metricsPort === null ? null : await serveMetrics(createClusterMetrics(died), host, metricsPort, log)
  return {
    url: origin(host, port),
    metricsUrl: metrics?.url ?? null,
    async stop() {
      await stop()
      metrics?.close()
    },
  }
}

const addressErrors = ['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES', 'ENOTFOUND', 'EAI_AGAIN'] // of PORT and HOST: their messages name them

main().catch(error => {
  console.error(error instanceof ConfigError || addressErrors.includes(error?.code) ? error.message : error)
  process.exit(1)
})
