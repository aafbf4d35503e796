// `npm run migrate`: brings the database up to date, that of MIGRATION_DATABASE_URL or else of DATABASE_URL. The only file that knows dbmate.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { resolveBinary } from 'dbmate'
import { alone, database } from './database.ts'
import { directory, pending } from './migrations.ts'
import { primaryOf } from './primary.ts'

// Whoever waits for a lock on a table holds up all who come later, so a migration steps back sooner than their statements are given up.
const lockTimeout = 500 // ms
const pause = 2_000 // ms for the others to catch up
const patience = 120_000 // ms

type Group = { files: string[]; inTransaction: boolean }

/** Applies what is pending. Of several at once, one works and the others wait. Rejects when a migration fails. */
export async function migrate(url: string, { quiet = false } = {}): Promise<void> {
  const primary = await primaryOf(url)
  // dbmate has no lock of its own.
  await alone(primary, 'taskspec migrations', async () => {
    for (const group of await groups(primary)) await apply(primary, group, quiet)
  })
}

/** What is to be done, in order; together what runs in transactions, and what doesn't because it holds nobody up (`transaction:false`). */
async function groups(url: string): Promise<Group[]> {
  const db = database({ url, poolSize: 1 })
  const files = await pending(db).finally(() => db.close())
  const groups: Group[] = []
  for (const file of files) {
    const inTransaction = !(await readFile(new URL(file, directory), 'utf8')).startsWith('-- migrate:up transaction:false')
    const last = groups.at(-1)
    if (last?.inTransaction === inTransaction) last.files.push(file)
    else groups.push({ files: [file], inTransaction })
  }
  return groups
}

async function apply(url: string, { files, inTransaction }: Group, quiet: boolean): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'taskspec-migrations-'))
  try {
    for (const file of files) await copyFile(new URL(file, directory), join(folder, file))
    const settings = inTransaction ? `-c lock_timeout=${lockTimeout}` : ''
    for (const until = Date.now() + patience; ; await sleep(pause)) {
      const mistake = await dbmate(url, folder, settings, quiet)
      if (mistake === null) return
      if (!mistake.includes('due to lock timeout') || Date.now() + pause > until) throw new Error(mistake)
      if (!quiet) console.log('Not applied: somebody works with this table. Trying again.')
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** What dbmate says went wrong; null where nothing did. */
async function dbmate(url: string, folder: string, settings: string, quiet: boolean): Promise<string | null> {
  const words = ['--migrations-dir', folder, '--no-dump-schema', 'migrate', '--strict']
  const child = spawn(resolveBinary(), words, {
    env: { DATABASE_URL: withSslMode(url), PGOPTIONS: settings }, // not among the words, which everybody on the machine can read
    stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'pipe'],
  })
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  return code === 0 ? null : said.trim() || `dbmate ended with code ${code}`
}

// Where the URL doesn't say, the server's driver connects without TLS and dbmate with it: the server's way counts.
function withSslMode(text: string) {
  const url = new URL(text)
  if (!url.searchParams.has('sslmode')) url.searchParams.set('sslmode', 'disable')
  return url.href
}
