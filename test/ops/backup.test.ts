// Restores backups with src/ops/*.sh and real clusters, and runs the server on the result.
import { execFile } from 'node:child_process'
import { appendFile, chmod, chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { expect, type TestContext } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { migrate } from '../../src/database/migrate.ts'
import { type Postgres, startPostgres } from '../../src/dev/postgres.ts'
import { doctor } from '../cli/doctor.ts'
import { follow } from '../support/changes.ts'
import { needs } from '../support/checks.ts'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { start, test, tokenOf } from '../support/taskspec.ts'
import { installed } from './installed.ts'
import { compose } from './topology.ts'

const run = promisify(execFile)
const here = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url))
const ops = (script: string) => here(`src/ops/${script}`)
type End = TestContext['onTestFinished']

const withPrograms = needs(installed !== null, 'an installed PostgreSQL with its client programs')

test('a dump is restored with every row, and the server serves it', withPrograms, async ({ onTestFinished }) => {
  const { cluster, directory } = await made(onTestFinished, installed)
  const sql = postgres(`${cluster.url}postgres`, { max: 1, onnotice: () => {} })
  await sql`create role taskspec_owner login createrole createdb password 'owner-of-this-test'`
  await sql`create database taskspec owner taskspec_owner`
  await sql.end()
  const owner = { PGHOST: '127.0.0.1', PGPORT: String(cluster.port), PGUSER: 'taskspec_owner', PGPASSWORD: 'owner-of-this-test' }
  const env = { PATH: `${installed}:${process.env.PATH}`, SERVER_PASSWORD: "it's a password", ...owner, PGDATABASE: 'taskspec' }
  const sh = (script: string, ...words: string[]) => run('sh', [ops(script), ...words], { env })
  await migrate(parseDatabaseUrl(`postgres://taskspec_owner:owner-of-this-test@127.0.0.1:${cluster.port}/taskspec`), { quiet: true })
  await sh('roles.sh', here('db/roles.sql'))
  await sh('roles.sh', here('db/roles.sql'))
  const server = (database: string) =>
    `postgres://taskspec_server:${encodeURIComponent(env.SERVER_PASSWORD)}@127.0.0.1:${cluster.port}/${database}`

  const before = await live(server('taskspec'), onTestFinished)
  const { etag } = await before.ann.listTasks()
  const file = join(directory, 'backup')
  await sh('backup.sh', file)
  expect((await stat(file)).mode & 0o077).toBe(0)
  await before.ann.deleteUser()

  const { stdout } = await sh('restore.sh', file, 'taskspec_restored', here('db/roles.sql'))
  expect(stdout).toBe(`taskspec_restored has the content of ${file}\n`)
  const restored = postgres(`${cluster.url}taskspec_restored`, { max: 1 })
  expect(await restored`select revision > ${revisionOf(etag)} and purged_revision = revision as raised from users`).toEqual([
    { raised: true },
  ])
  await restored.end()
  const ann = await expectServed(server('taskspec_restored'), before, onTestFinished)
  await ann.listTasks({ headers: { 'If-None-Match': etag } }, 200)

  await expect(sh('restore.sh', file, 'taskspec_restored', here('db/roles.sql'))).rejects.toThrow('already exists')
  await appendFile(file, 'x')
  await expect(sh('restore.sh', file, 'taskspec_broken', here('db/roles.sql'))).rejects.toThrow('did NOT match')
})

test('an erased account is there again, from a base backup and the archive, as it was the moment before', async ({ onTestFinished }) => {
  const archive = await folder(onTestFinished)
  const { cluster, directory, as } = await made(onTestFinished, installed, await archiving(archive))
  await chown(archive, as.uid, as.gid)
  const url = `${cluster.url}postgres`
  await migrate(parseDatabaseUrl(url), { quiet: true })
  const before = await live(url, onTestFinished)
  const base = join(archive, 'base')
  // Without pg_basebackup the test announces the backup to PostgreSQL and copies the files itself.
  await (installed === null ? copied(cluster, base, as) : basebackup(installed, cluster, base, as))
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  const later = await before.ann.createTask({ body: { title: 'after the base backup' } })
  const [{ moment }] = (await sql`select clock_timestamp()::text as moment`) as unknown as [{ moment: string }]
  await before.ann.deleteUser()
  const [{ last }] = (await sql`select pg_walfile_name(pg_switch_wal()) as last`) as unknown as [{ last: string }]
  await eventually(() => stat(join(archive, last)))
  await sql.end()
  await before.stop()
  await cluster.stop('immediate')

  const again = await folder(onTestFinished)
  await chown(again, as.uid, as.gid)
  await run('sh', [ops('recover.sh'), base, archive, join(again, 'postgres'), moment], as)
  await writeFile(join(again, 'postgres-password'), await readFile(join(directory, 'postgres-password')))
  const recovered = await startPostgres({ directory: again, ...(installed !== null && { binaries: binaries(installed) }) })
  onTestFinished(() => recovered.stop('immediate'))
  const fresh = postgres(`${recovered.url}postgres`, { max: 1 })
  await eventually(async () => expect(await fresh`select pg_is_in_recovery() as still`).toEqual([{ still: false }]))
  await fresh.end()
  await expectServed(`${recovered.url}postgres`, { ...before, tasks: [...before.tasks, later.body] }, onTestFinished)
})

async function folder(atEnd: End) {
  const directory = await mkdtemp(join(tmpdir(), 'taskspec-backup-'))
  await chmod(directory, 0o755)
  atEnd(() => rm(directory, { recursive: true }))
  return directory
}

const binaries = (bin: string) => ({ initdb: join(bin, 'initdb'), pg_ctl: join(bin, 'pg_ctl') })

/** A cluster of the installed PostgreSQL or of the embedded one, and as whom it runs. */
async function made(atEnd: End, bin: string | null, settings: Record<string, string> = {}) {
  const directory = await folder(atEnd)
  const cluster = await startPostgres({
    directory,
    settings: { ...settings, fsync: 'off' },
    ...(bin !== null && { binaries: binaries(bin) }),
  })
  atEnd(() => cluster.stop('immediate').catch(() => {}))
  const { uid, gid } = await stat(join(directory, 'postgres'))
  return { cluster, directory, as: { uid, gid } }
}

/** The archive settings of PostgreSQL in src/ops/compose.yaml, with another folder. */
async function archiving(archive: string) {
  const words = (await compose()).services.database?.command?.filter(word => word.includes('=')) as string[]
  const settings = Object.fromEntries(words.map(word => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]))
  return { ...settings, archive_command: (settings.archive_command as string).replaceAll('/archive/', `${archive}/`) }
}

async function basebackup(bin: string, { port, url }: Postgres, base: string, as: { uid: number; gid: number }) {
  const env = { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'taskspec', PGPASSWORD: new URL(url).password }
  await run(join(bin, 'pg_basebackup'), ['--checkpoint=fast', `--pgdata=${base}`], { ...as, env })
  await run(join(bin, 'pg_verifybackup'), [base], as)
}

async function copied({ url, directory }: Postgres, base: string, as: { uid: number; gid: number }) {
  const sql = postgres(`${url}postgres`, { max: 1, onnotice: () => {} })
  await sql`select pg_backup_start('by hand', true)`
  await run('cp', ['-R', join(directory, 'postgres'), base], as)
  const [{ labelfile }] = (await sql`select labelfile from pg_backup_stop()`) as unknown as [{ labelfile: string }]
  await sql.end()
  await run(
    'sh',
    [
      '-c',
      `cat >"$0/backup_label" <<'label'\n${labelfile}label\nrm -rf "$0"/pg_wal/* "$0/postmaster.pid"; mkdir -p "$0/pg_wal/archive_status"`,
      base,
    ],
    as,
  )
}

/** A server, and a user with a category and two tasks. */
async function live(databaseUrl: string, atEnd: End) {
  const server = await start({ databaseUrl })
  atEnd(() => server.stop())
  const ann = client(server.url, await tokenOf('ann'))
  const { body: category } = await ann.createCategory({ body: { name: 'Garden' } })
  const first = await ann.createTask({ body: { title: 'Sow', categoryId: category.id, labels: ['a', '"b\\'] } })
  const second = await ann.createTask({ body: { title: 'Reap', dueDate: '2027-03-01' } })
  const { nextCursor } = (await follow(ann)).last
  return { ann, tasks: [first.body, second.body], nextCursor, stop: server.stop }
}

/** A client that keeps a copy learns that the history is another one. */
async function expectServed(databaseUrl: string, { tasks, nextCursor }: { tasks: object[]; nextCursor: string }, atEnd: End) {
  const { code, output } = await doctor({ DATABASE_URL: databaseUrl })
  expect([code, output]).toEqual([0, expect.not.stringContaining('!!')])
  const server = await start({ databaseUrl })
  atEnd(() => server.stop())
  const ann = client(server.url, await tokenOf('ann'))
  expect((await ann.listTasks({ query: { sort: 'createdAt' } })).body.items).toEqual(tasks)
  await ann.listChanges({ query: { cursor: nextCursor } }, 410)
  expect((await follow(ann)).items.map(({ kind }) => kind)).toEqual(['user', 'category', ...tasks.map(() => 'task')])
  expect((await ann.createTask({ body: { title: 'goes on' } })).body.revision).toBeGreaterThan(tasks.length)
  return ann
}

const revisionOf = (etag: string) => Number(etag.slice(1, -1))
