// Which host of a database takes writes, for programs that have to know it. The server's connections find it by themselves.

import { hosts } from '../config/database-url.ts'
import { database } from './database.ts'

/** The URL of that host alone which takes writes. Rejects when there is none. */
export async function primaryOf(url: string): Promise<string> {
  const { urls, primary } = hosts(url)
  if (!primary) return url
  for (const each of urls) if ((await roleOf(each)) === 'primary') return each
  throw new Error('No host of the database takes writes. Run: npm run doctor')
}

/** What the one host of this URL is. */
export async function roleOf(url: string, pooler = false): Promise<'primary' | 'standby' | 'away'> {
  const db = database({ url, poolSize: 1, pooler })
  const rows = await db.read<{ standby: boolean }>`select pg_is_in_recovery() as standby`.catch(() => [])
  await db.close()
  if (rows[0] === undefined) return 'away'
  return rows[0].standby ? 'standby' : 'primary'
}
