// PgBouncer in front of the database of a test.
import { inject } from 'vitest'
import { type Pooler, type Settings, startPgBouncer } from './pgbouncer.ts'
import type { Program } from './programs.ts'

export type { Pooler } from './pgbouncer.ts'

export async function startPooler(databaseUrl: string, atEnd: (end: () => Promise<void>) => void, settings?: Settings): Promise<Pooler> {
  const pooler = await startPgBouncer(inject('programs').pgbouncer as Program, databaseUrl, settings)
  atEnd(pooler.end)
  return pooler
}
