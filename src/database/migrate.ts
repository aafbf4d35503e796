// Applies migrations. The only file that knows dbmate.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { resolveBinary } from 'dbmate'
import type { DatabaseUrl } from '../config/database-url.ts'
import { withAdvisoryLock } from './connection.ts'
import { createDatabase } from './database.ts'
import { directory as ours, pending } from './migrations.ts'
import { primaryOf } from './primary.ts'
import { withRelay } from './relay.ts'
import { startupSettings } from './session.ts'

// A migration that waits for the lock of a table holds up every later statement on it, so it gives up sooner than they are cancelled.
const lockTimeoutMs = 500
const retryDelayMs = 2_000 // for the statements that were held up
const retryTimeoutMs = 120_000

type Options = {
  quiet?: boolean
  /** of the migrations; those of this product unless said otherwise */
  directory?: URL
}
type Group = { files: string[]; inTransaction: boolean }

/** Applies the pending migrations. Of several processes at the same time, one works and the others wait. Rejects when a migration fails. */
export async function migrate(url: DatabaseUrl, { quiet = false, directory = ours }: Options = {}): Promise<void> {
  const primary = await primaryOf(url)
  // dbmate has no lock of its own.
  await withAdvisoryLock(primary, 'taskspec migrations', async () => {
    for (const group of await groups(primary, directory)) await apply(primary, directory, group, quiet)
  })
}

/** The pending migrations in order. Those that run in transactions are grouped, and so are those that must not (`transaction:false`). */
async function groups(url: DatabaseUrl, directory: URL): Promise<Group[]> {
  const db = createDatabase({ url, poolSize: 1 })
  const files = await pending(db, directory).finally(() => db.close())
  const groups: Group[] = []
  for (const file of files) {
    const inTransaction = !(await readFile(new URL(file, directory), 'utf8')).startsWith('-- migrate:up transaction:false')
    const last = groups.at(-1)
    if (last?.inTransaction === inTransaction) last.files.push(file)
    else groups.push({ files: [file], inTransaction })
  }
  return groups
}

async function apply(url: DatabaseUrl, directory: URL, { files, inTransaction }: Group, quiet: boolean): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'taskspec-migrations-'))
  try {
    for (const file of files) await copyFile(new URL(file, directory), join(folder, file))
    // The role may be the one of a server behind a pooler, whose timeout is too short for an index.
    const settings = { ...startupSettings(false), statement_timeout: '0', ...(inTransaction && { lock_timeout: String(lockTimeoutMs) }) }
    for (const deadline = Date.now() + retryTimeoutMs; ; await sleep(retryDelayMs)) {
      const failure = await withRelay(url, address => dbmate(address, folder, settings, quiet))
      if (failure === null) return
      if (!failure.includes('due to lock timeout') || Date.now() + retryDelayMs > deadline) throw new Error(failure)
      if (!quiet) console.log('Not applied: another transaction holds a lock on this table. Trying again.')
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The error output of dbmate; null on success. */
async function dbmate(url: string, folder: string, settings: Record<string, string>, quiet: boolean): Promise<string | null> {
  const child = spawn(resolveBinary(), ['--migrations-dir', folder, '--no-dump-schema', 'migrate', '--strict'], {
    env: { DATABASE_URL: url, PGOPTIONS: commandLine(settings) }, // not among the arguments, which every user of the machine can read
    stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'pipe'],
  })
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  return code === 0 ? null : errors.trim() || `dbmate ended with code ${code}`
}

function commandLine(settings: Record<string, string>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
    .join(' ')
}
