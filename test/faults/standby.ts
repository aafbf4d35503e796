// A standby of a running PostgreSQL, made from a base backup.
import { execFile } from 'node:child_process'
import { chown, cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { expect } from 'vitest'
import { startPostgres } from '../../src/dev/postgres.ts'
import { eventually } from '../support/clock.ts'
import { type Fragile, fragile } from './cluster.ts'

export type Standby = Fragile & {
  promote: () => Promise<void>
  /** how many statements of a server it has received */
  statements: () => Promise<number>
}

/** Replaces the content of the directory, if any. `port`: where the standby listens. */
export async function standbyOf(primary: Fragile, directory: string, port?: number): Promise<Standby> {
  const [from, to] = [join(primary.directory, 'postgres'), join(directory, 'postgres')]
  await rm(to, { recursive: true, force: true })
  const sql = postgres(`${primary.url}postgres`, { max: 1, onnotice: () => {} })
  await sql`select pg_backup_start('copy', true)`
  await promisify(execFile)('cp', ['-Rp', from, to])
  const [{ label }] = await sql<[{ label: string }]>`select labelfile as label from pg_backup_stop(false)`

  // The standby has no logs and locks of the primary, and gets the WAL since the label from it.
  const { uid, gid } = await stat(from)
  for (const name of ['pg_wal', 'postmaster.pid', 'log']) await rm(join(to, name), { recursive: true })
  await mkdir(join(to, 'pg_wal'), { mode: 0o700 })
  await writeFile(join(to, 'backup_label'), label)
  await writeFile(join(to, 'standby.signal'), '')
  for (const name of ['pg_wal', 'backup_label', 'standby.signal']) await chown(join(to, name), uid, gid)
  await cp(join(primary.directory, 'postgres-password'), join(directory, 'postgres-password'))

  const { username, password } = new URL(primary.url)
  const copy = fragile(
    await startPostgres({
      directory,
      settings: {
        max_connections: '30',
        primary_conninfo: `host=127.0.0.1 port=${primary.port} user=${username} password=${password}`,
        log_line_prefix: '%a|',
        log_statement: 'all',
        ...(port !== undefined && { port: String(port) }),
      },
    }),
  )
  await eventually(async () => expect(await sql`select from pg_stat_replication where state = 'streaming'`).toHaveLength(1))
  await sql.end()
  return {
    ...copy,
    async promote() {
      const own = postgres(`${copy.url}postgres`, { max: 1 })
      await own`select pg_promote()`
      await own.end()
    },
    async statements() {
      const log = await readFile(join(to, 'log'), 'utf8')
      return log.split('\n').filter(line => /^taskspec\|LOG: {2}(execute|statement)/.test(line)).length
    },
  }
}
