import { fileURLToPath } from 'node:url'
import { migrate } from '../database/migrate.ts'
import { startPostgres } from './postgres.ts'

export const data: string = fileURLToPath(new URL('../../.data', import.meta.url))

export type EmbeddedDatabase = { url: string; stop: () => Promise<void> }

/** The database of development, under .data/, up to date. */
export async function embeddedDatabase(): Promise<EmbeddedDatabase> {
  const postgres = await startPostgres({ directory: data })
  const url = `${postgres.url}postgres`
  await migrate(url, { quiet: true })
  return { url, stop: () => postgres.stop() }
}
