import { readdir } from 'node:fs/promises'
import type { Database } from './database.ts'
import { errorCode } from './errors.ts'

export const directory = new URL('../../db/migrations/', import.meta.url)

/** The versions of all migrations that this code needs, oldest first. */
export async function versions(): Promise<string[]> {
  return (await files()).map(versionOf)
}

/** The files of those that the database still needs for this code, oldest first. */
export async function pending(db: Database): Promise<string[]> {
  const done = new Set(await applied(db))
  return (await files()).filter(file => !done.has(versionOf(file)))
}

/** Asks the same, once for all who ask at the same time. */
export function sharedPending(db: Database): () => Promise<string[]> {
  let answer: Promise<string[]> | undefined
  return () => {
    answer ??= pending(db).finally(() => {
      answer = undefined
    })
    return answer
  }
}

/** The versions that the database has; none before the first migration. */
export async function applied({ read }: Database): Promise<string[]> {
  const rows = await read<{ version: string }>`
    select version
    from schema_migrations`.catch(noneYet)
  return rows.map(({ version }) => version)
}

const files = async () => (await readdir(directory)).sort()
const versionOf = (file: string) => file.split('_', 1)[0] as string

function noneYet(error: unknown): [] {
  if (errorCode(error) === '42P01') return []
  throw error
}
