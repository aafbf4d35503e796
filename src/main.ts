// The process: settings, what development adds, the server or its workers, and the way out.

import { isWorker, supervise } from './cluster.ts'
import { type Config, ConfigError, readConfig } from './config/config.ts'
import { exporter } from './http/metrics-endpoint.ts'
import { origin } from './http/origin.ts'
import { type Log, logger } from './observe/log.ts'
import { workersMetrics } from './observe/metrics.ts'
import { serve } from './server.ts'

type Running = { url: string; metricsUrl: string | null; stop: () => Promise<void> }

async function main() {
  const config = readConfig()
  const log = logger(config.logLevel)
  // A mistake that nobody has caught: what state it left behind nobody knows either.
  // A rejection by itself, for Node would write a reason that is no error into the message, whatever it says.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error: unknown) => {
      log.fatal({ error }, 'mistake')
      process.exit(1)
    })
  const embedded = config.databaseUrl === null ? await (await import('./dev/database.ts')).startEmbeddedDatabase() : null
  const auth = config.auth ?? (await (await import('./dev/key.ts')).developmentAuth())
  const databaseUrl = config.databaseUrl ?? (embedded?.url as string)

  const several = config.workers > 1 && !isWorker
  const server = await (several ? workers(config, databaseUrl, log) : serve({ ...config, databaseUrl, auth }, { log })).catch(
    async error => {
      await embedded?.stop()
      throw error
    },
  )
  if (config.production || isWorker) log.info({ url: server.url, metrics: server.metricsUrl ?? undefined }, 'listening')
  else process.stdout.write(await (await import('./dev/welcome.ts')).welcome({ url: server.url, config, embedded, auth }))

  let leaving = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, async () => {
      if (leaving) return
      leaving = true
      log.info({ signal }, 'stopping')
      await server.stop()
      await embedded?.stop()
      log.info('stopped')
      process.exit(0)
    })
}

/** The workers do the work, each as if it were alone; their metrics are added up here. */
async function workers({ workers, host, metricsPort }: Config, databaseUrl: string, log: Log): Promise<Running> {
  const { port, died, stop } = await supervise(workers, { DATABASE_URL: databaseUrl }, log)
  const operators = metricsPort === null ? null : await exporter(workersMetrics(died), host, metricsPort)
  return {
    url: origin(host, port),
    metricsUrl: operators?.url ?? null,
    async stop() {
      await stop()
      operators?.close()
    },
  }
}

main().catch(error => {
  console.error(error instanceof ConfigError || error?.code === 'EADDRINUSE' ? error.message : error)
  process.exit(1)
})
