import { readdir } from 'node:fs/promises'
import type { Database } from './database.ts'
import { errorCode } from './errors.ts'
import { sql } from './sql.ts'

/** The migrations of this product. */
export const directory = new URL('../../db/migrations/', import.meta.url)

/** The versions of all migrations that this code needs, oldest first. */
export async function versions(): Promise<string[]> {
  return (await files(directory)).map(versionOf)
}

/** The files of the migrations that the database still needs for this code, oldest first. */
export async function pending(db: Database, from: URL = directory): Promise<string[]> {
  const done = new Set(await applied(db))
  return (await files(from)).filter(file => !done.has(versionOf(file)))
}

/** Like `pending`, with one statement for all callers of the same moment. */
export function sharedPending(db: Database, from?: URL): () => Promise<string[]> {
  let answer: Promise<string[]> | undefined
  return () => {
    answer ??= pending(db, from).finally(() => {
      answer = undefined
    })
    return answer
  }
}

/** The versions that the database has; none before the first migration. */
export async function applied({ read }: Database): Promise<string[]> {
  const rows = await read<{ version: string }>('select schema_migrations', sql`select version from schema_migrations`).catch(noneYet)
  return rows.map(({ version }) => version)
}

const files = async (from: URL) => (await readdir(from)).sort()
const versionOf = (file: string) => file.split('_', 1)[0] as string

function noneYet(error: unknown): [] {
  if (error instanceof Error && errorCode(error.cause) === '42P01') return []
  throw error
}
