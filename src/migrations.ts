import { readdir } from 'node:fs/promises'
import { type Database, errorCode } from './db.ts'

export const directory = new URL('../db/migrations/', import.meta.url)

/** The versions of all migrations that this code needs, oldest first. */
export async function versions(): Promise<string[]> {
  return (await readdir(directory)).map(file => file.split('_', 1)[0] as string).sort()
}

/** The versions that the database still needs for this code. */
export async function pending(db: Database): Promise<string[]> {
  const done = new Set(await applied(db))
  return (await versions()).filter(version => !done.has(version))
}

/** The versions that the database has; none before the first migration. */
export async function applied({ read }: Database): Promise<string[]> {
  const rows = await read<{ version: string }>`
    select version
    from schema_migrations`.catch(noneYet)
  return rows.map(({ version }) => version)
}

function noneYet(error: unknown): [] {
  if (errorCode(error) === '42P01') return []
  throw error
}
