// A rolling upgrade under load: the server of the last release keeps serving during the migration, and then beside the current server.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { expect, onTestFinished, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { migrate } from '../../src/database/migrate.ts'
import { checkOut, git, type Release, readReleases } from '../../src/dev/releases.ts'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { nodeEnvironment } from '../support/environment.ts'
import { auth, createDatabase, start, tokenOf } from '../support/taskspec.ts'
import { type Crowd, crowd, expectPromises, tally } from './crowd.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const manifest = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

/** The newest release whose server or schema differs from the current ones. Throws if there is none, or if the history lacks its commit. */
function releaseBefore(): Release {
  const differs = ({ commit }: Release) => git(root, 'diff', '--name-only', commit, '--', 'src', 'db').trim() !== ''
  const { releases, history } = readReleases(root)
  const before = history === 'complete' ? releases.findLast(differs) : releases.at(-1)
  if (before === undefined) throw new Error('No release differs from the current code, so there is no upgrade to test.')
  return before
}

/** The code of a release in a new folder. It uses the installed packages if they have the versions that the release needs. */
function install(release: Release): string {
  const folder = mkdtempSync(join(tmpdir(), 'taskspec-release-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  checkOut(root, release, folder)
  const needed = Object.entries(manifest(folder).dependencies)
  const installed = join(root, 'node_modules')
  const isInstalled = ([name, version]: [string, unknown]) =>
    existsSync(join(installed, name)) && manifest(join(installed, name)).version === version
  if (needed.every(isInstalled)) symlinkSync(installed, join(folder, 'node_modules'))
  else execFileSync('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  return folder
}

/** The migration program, which moved after release 0.2.0. */
function migrationProgram(folder: string): string {
  const program = ['src/cli/migrate.ts', 'src/migrate.ts'].map(file => join(folder, file)).find(existsSync)
  if (program === undefined) throw new Error('The release has no migration program at a known path. Add its path here.')
  return program
}

/** Starts the server of a release as a process, and returns the URL from its log. */
async function startRelease(folder: string, env: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [join(folder, 'src/main.ts')], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await ended
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', chunk => {
    output += chunk
  })
  return eventually(() => {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0]
    if (url === undefined) throw new Error(`the server of the release does not listen: ${output}`)
    return url
  })
}

test('the last release serves during the migration, and then beside the current server', async () => {
  const folder = install(releaseBefore())
  const { url: databaseUrl, drop } = await createDatabase('template0')
  onTestFinished(drop)
  const env = {
    ...nodeEnvironment,
    NODE_ENV: 'production',
    PORT: '0',
    DATABASE_URL: databaseUrl,
    AUTH_SECRET: auth.secret as string,
    AUTH_ISSUER: auth.issuers.join(),
    AUTH_AUDIENCE: auth.audiences.join(),
    RATE_LIMIT_PER_MINUTE: '0',
  }
  execFileSync(process.execPath, [migrationProgram(folder)], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  const before = await startRelease(folder, env)
  const usersBefore = await crowd(before, 6, { isOlder: true })
  await migrateBesideReader(databaseUrl, () => eventually(progress(usersBefore)))
  await eventually(progress(usersBefore))

  const current = await start({ databaseUrl })
  onTestFinished(current.stop)
  const usersNow = await crowd(current.url, 6)
  await oneAccountOnBoth(before, current.url)
  await eventually(progress(usersNow))

  for (const users of [usersBefore, usersNow]) {
    const seen = await users.leave()
    await expectPromises(seen, databaseUrl)
    expect(Object.keys(tally(seen.calls)).sort()).toEqual(['200', '201'])
  }
})

/** Passes after 50 more calls. */
function progress({ calls }: Crowd) {
  const start = calls.length
  return () => expect(calls.length).toBeGreaterThan(start + 50)
}

/** Migrates while a transaction has read every table, as a dump does. A migration that waits for it must not block the servers. */
async function migrateBesideReader(databaseUrl: string, whileWaiting: () => Promise<void>) {
  const sql = postgres(databaseUrl, { max: 2 })
  const reader = await sql.reserve()
  await reader`begin`
  for (const table of ['users', 'categories', 'tasks']) await reader`select count(*) from ${reader(table)}`
  let ended = false
  const migrated = migrate(parseDatabaseUrl(databaseUrl), { quiet: true }).finally(() => {
    ended = true
  })
  const isWaiting = async () => {
    const [row] = await sql`
      select from pg_stat_activity
      where datname = current_database() and application_name <> 'taskspec' and wait_event_type = 'Lock'`
    expect(ended || row !== undefined).toBe(true)
  }
  try {
    await eventually(isWaiting)
    await whileWaiting()
  } finally {
    await reader`commit`
    reader.release()
    await migrated
    await sql.end()
  }
}

/** Each server reads and changes rows that the other one wrote, and both give the same ETags. */
async function oneAccountOnBoth(before: string, current: string) {
  const token = await tokenOf('both')
  const [older, newer] = [client(before, token, [], true), client(current, token)]
  for (const [here, there] of [
    [older, newer],
    [newer, older],
  ] as const) {
    await here.getReadiness()
    const { body: category } = await here.createCategory({ body: { name: 'Travel' } })
    const { body: task, etag } = await here.createTask({ body: { title: 'a', categoryId: category.id, labels: ['b'] } })
    const path = { taskId: task.id }
    const { body: seen } = await there.getTask({ path })
    expect({ ...task, ...seen }).toEqual({ ...seen, ...task }) // apart from fields that only one of them has
    const changed = await there.updateTask({ path, body: { completed: true }, headers: { 'If-Match': etag } })
    await here.updateTask({ path, body: { completed: false }, headers: { 'If-Match': etag } }, 412)
    await here.putTask({ path, body: { title: 'c' }, headers: { 'If-Match': changed.etag } }, 200)
    await there.deleteCategory({ path: { categoryId: category.id } })
    await here.deleteTask({ path })
    await there.getTask({ path }, 404)
    await there.putTask({ path, body: { title: 'd' } }, 201)
    expect((await here.listTasks()).etag).toBe((await there.listTasks()).etag)
  }
}
