// Which host of a database takes writes, for programs that have to know it. The connections of the server find it by themselves.

import type { DatabaseUrl, Host } from '../config/database-url.ts'
import { createDatabase } from './database.ts'
import { sql } from './sql.ts'

/** The URL with the one host that takes writes. Rejects when there is none. */
export async function primaryOf(url: DatabaseUrl): Promise<DatabaseUrl> {
  if (!url.primary) return url
  for (const host of url.hosts) if ((await roleOf(url, host)) === 'primary') return { ...url, hosts: [host] }
  throw new Error('No host of the database takes writes. Run: npm run doctor')
}

/** The role of one host of this URL. */
export async function roleOf(url: DatabaseUrl, host: Host, pooler = false): Promise<'primary' | 'standby' | 'unreachable'> {
  const db = createDatabase({ url: { ...url, hosts: [host], primary: false }, poolSize: 1, pooler })
  const rows = await db.read<{ standby: boolean }>('select role', sql`select pg_is_in_recovery() as standby`).catch(() => [])
  await db.close()
  if (rows[0] === undefined) return 'unreachable'
  return rows[0].standby ? 'standby' : 'primary'
}
