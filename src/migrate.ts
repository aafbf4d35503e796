// `npm run migrate`: brings the database up to date, that of MIGRATION_DATABASE_URL or else of DATABASE_URL. The only file that knows dbmate.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { resolveBinary } from 'dbmate'
import { ConfigError, readConfig } from './config.ts'
import { alone } from './db.ts'
import { directory } from './migrations.ts'

/** Applies what is pending. Of several at once, one works and the others wait. Rejects when a migration fails. */
export async function migrate(url: string, { quiet = false } = {}): Promise<void> {
  // dbmate has no lock of its own.
  await alone(url, 'taskspec migrations', async () => {
    const words = ['--migrations-dir', fileURLToPath(directory), '--no-dump-schema', 'migrate', '--strict']
    const dbmate = spawn(resolveBinary(), words, {
      env: { DATABASE_URL: withSslMode(url) }, // not among the words, which everybody on the machine can read
      stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'inherit'],
    })
    const [code] = await once(dbmate, 'exit')
    if (code !== 0) throw new Error(`dbmate ended with code ${code}`)
  })
}

// Where the URL doesn't say, the server's driver connects without TLS and dbmate with it: the server's way counts.
function withSslMode(text: string) {
  const url = new URL(text)
  if (!url.searchParams.has('sslmode')) url.searchParams.set('sslmode', 'disable')
  return url.href
}

if (import.meta.main) {
  try {
    const { migrationUrl, databaseUrl } = readConfig()
    const url = migrationUrl ?? databaseUrl
    if (url === null) throw new ConfigError('Set DATABASE_URL to the database to migrate. The embedded one migrates itself.')
    await migrate(url)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
