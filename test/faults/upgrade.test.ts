// An upgrade while people work: the server of the release before goes on while the database is migrated, and beside today's server.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { expect, onTestFinished, test, vi } from 'vitest'
import { migrate } from '../../src/database/migrate.ts'
import { client } from '../support/client.ts'
import { auth, createDatabase, start, tokenOf } from '../support/taskspec.ts'
import { crowd, expectPromises, tally } from './crowd.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const git = (words: string[], env = {}) =>
  execFileSync('git', words, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, ...env } })
const manifest = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

/** The newest release that isn't this one. A clone can have none: not every one brings the tags and the history along. */
function releaseBefore(): string | undefined {
  try {
    const tags = git(['tag', '--list', 'v*', '--merged', 'HEAD', '--sort=-version:refname']).split('\n')
    return tags.find(tag => tag !== '' && tag !== `v${manifest(root).version}`)
  } catch {
    return undefined
  }
}

/** Its code in a folder of its own, with today's packages where they are the same as then. */
function checkOut(release: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'taskspec-release-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  git([`--work-tree=${folder}`, 'checkout', release, '--', '.'], { GIT_INDEX_FILE: join(folder, 'index') })
  const needed = Object.entries(manifest(folder).dependencies)
  const installed = join(root, 'node_modules')
  const same = needed.every(([name, version]) => {
    try {
      return manifest(join(installed, name)).version === version
    } catch {
      return false
    }
  })
  if (same) symlinkSync(installed, join(folder, 'node_modules'))
  else execFileSync('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'ignore' })
  return folder
}

/** The server of a release as a process, and the URL that it says it listens on. */
async function startRelease(folder: string, env: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [join(folder, 'src/main.ts')], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await ended
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', chunk => {
    said += chunk
  })
  const listening = () => expect(/http:\/\/127\.0\.0\.1:\d+/.exec(said)).not.toBeNull()
  await vi.waitFor(listening, 20_000)
  return /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] as string
}

test('the release before goes on while the database is migrated, and then beside today’s', { timeout: 90_000 }, async ({ skip }) => {
  const release = releaseBefore()
  if (release === undefined) return skip('this clone has no earlier release')
  const folder = checkOut(release)
  const { url: databaseUrl, drop } = await createDatabase('template0')
  onTestFinished(drop)
  const env = {
    PATH: process.env.PATH ?? '',
    NODE_ENV: 'production',
    PORT: '0',
    DATABASE_URL: databaseUrl,
    AUTH_SECRET: auth.secret as string,
    AUTH_ISSUER: auth.issuer as string,
    AUTH_AUDIENCE: auth.audience as string,
    RATE_LIMIT_PER_MINUTE: '0',
  }
  execFileSync(process.execPath, [join(folder, 'src/migrate.ts')], { env, stdio: 'ignore' })
  const before = await startRelease(folder, env)
  const everybody = await crowd(before, 6)

  // Somebody reads for seconds in one transaction, as a dump does: what has to wait for that must not hold up everybody else.
  const sql = postgres(databaseUrl, { max: 1 })
  await sql`begin`
  for (const table of ['users', 'categories', 'tasks']) await sql`select count(*) from ${sql(table)}`
  const migrated = migrate(databaseUrl, { quiet: true })
  await sleep(3_000)
  await sql`commit`
  await migrated
  await sql.end()
  const after = everybody.calls.length
  await vi.waitFor(() => expect(everybody.calls.length).toBeGreaterThan(after + 50), 20_000)

  const now = await start({ databaseUrl })
  onTestFinished(now.stop)
  const newcomers = await crowd(now.url, 6)
  await oneAccountOnBoth(before, now.url)
  await vi.waitFor(() => expect(newcomers.calls.length).toBeGreaterThan(50), 20_000)

  for (const seen of [await everybody.leave(), await newcomers.leave()]) {
    await expectPromises(seen, databaseUrl)
    expect(Object.keys(tally(seen.calls)).sort()).toEqual(['200', '201'])
  }
})

/** What a person writes through one server the other one knows, under the same ETags. */
async function oneAccountOnBoth(...urls: [string, string]) {
  const token = await tokenOf('both')
  const [one, other] = urls.map(url => client(url, token)) as [ReturnType<typeof client>, ReturnType<typeof client>]
  for (const [here, there] of [
    [one, other],
    [other, one],
  ] as const) {
    await here.getReadiness()
    const { body: category } = await here.createCategory({ body: { name: 'Travel' } })
    const { body: task, etag } = await here.createTask({ body: { title: 'a', categoryId: category.id, labels: ['b'] } })
    const path = { taskId: task.id }
    expect((await there.getTask({ path })).body).toEqual(task)
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
