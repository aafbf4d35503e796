import { fileURLToPath } from 'node:url'
import { migrate } from '../database/migrate.ts'
import { startPostgres } from './postgres.ts'

export const dataDirectory: string = fileURLToPath(new URL('../../.data', import.meta.url))

export type EmbeddedDatabase = { url: string; stop: () => Promise<void> }

/** Starts the development database under .data/ and migrates it. */
export async function startEmbeddedDatabase(): Promise<EmbeddedDatabase> {
  const postgres = await startPostgres({ directory: dataDirectory })
  const url = `${postgres.url}postgres`
  await migrate(url, { quiet: true })
  return { url, stop: () => postgres.stop() }
}
