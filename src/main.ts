// The process: settings, what development adds, the server, and the way out.
import { setFlagsFromString } from 'node:v8'
import { ConfigError, readConfig } from './config.ts'
import { logger } from './log.ts'
import { serve } from './server.ts'

// V8 lets garbage grow to four times what is in use before it looks. Twice keeps 70 MB of 300, for a few percent of a list.
setFlagsFromString('--heap-growing-percent=100')

async function main() {
  const config = readConfig()
  const log = logger(config.logLevel)
  const embedded = config.databaseUrl === null ? await (await import('./dev/database.ts')).embeddedDatabase() : null
  const auth = config.auth ?? (await (await import('./dev/key.ts')).developmentAuth())
  const databaseUrl = config.databaseUrl ?? (embedded?.url as string)

  const server = await serve({ ...config, databaseUrl, auth }, { log }).catch(async error => {
    await embedded?.stop()
    throw error
  })
  if (config.production) log.info({ url: server.url }, 'listening')
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

main().catch(error => {
  console.error(error instanceof ConfigError || error?.code === 'EADDRINUSE' ? error.message : error)
  process.exit(1)
})
