import { fileURLToPath } from 'node:url'
import { type DatabaseUrl, parseDatabaseUrl } from '../config/database-url.ts'
import { migrate } from '../database/migrate.ts'
import { startPostgres } from './postgres.ts'

export const dataDirectory: string = fileURLToPath(new URL('../../.data', import.meta.url))

export type EmbeddedDatabase = { text: string; url: DatabaseUrl; stop: () => Promise<void> }

/** Starts the development database under .data/ and migrates it. */
export async function startEmbeddedDatabase(): Promise<EmbeddedDatabase> {
  const postgres = await startPostgres({ directory: dataDirectory })
  const text = `${postgres.url}postgres`
  const url = parseDatabaseUrl(text)
  await migrate(url, { quiet: true })
  return { text, url, stop: () => postgres.stop() }
}
