// A primary fails, and a standby beside it in DATABASE_URL is promoted.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { expect, type TestContext } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { migrate } from '../../src/database/migrate.ts'
import { follow } from '../support/changes.ts'
import { client } from '../support/client.ts'
import { eventually, steadyMs, within } from '../support/clock.ts'
import { start, test, tokenOf } from '../support/taskspec.ts'
import { startMigrated } from './cluster.ts'
import { crowd, expectFullPool, expectPromises, tally } from './crowd.ts'
import { standbyOf } from './standby.ts'

test.concurrent('when the primary is killed under load, the promoted standby serves, and nothing is lost', async ({ onTestFinished }) => {
  const { primary, standby, url, databaseUrl } = await pair(onTestFinished)
  await waitForStandbyAtCommit(primary.url)
  const server = await serve(onTestFinished, databaseUrl)
  const users = await crowd(server.url, 8)
  await users.served()
  const ann = client(server.url, await tokenOf('ann'))
  const { body: task } = await eventually(() => ann.createTask({ body: { title: 'a' } }))
  const query = { cursor: (await eventually(() => follow(ann))).last.nextCursor }

  await primary.kill()
  await users.refused()
  expect(await standby.statements()).toBe(0)
  await standby.promote()
  await users.served()
  expect(await standby.statements()).toBeGreaterThan(0)
  await eventually(() => ann.listChanges({ query }, 410))
  expect((await eventually(() => follow(ann))).items.map(({ id }) => id)).toEqual(['ann', task.id])

  // The former primary comes back as a standby, which the server must skip when it looks for a primary.
  const former = await standbyOf(standby, primary.directory, primary.port)
  onTestFinished(() => former.stop('immediate'))
  const admin = postgres(url, { max: 1 })
  for (let round = 0; round < 3; round++) {
    await admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'taskspec'`
    await users.served()
  }
  await admin.end()
  await expectPromises(await users.leave(), url)
  expect(await former.statements()).toBe(0)
  await expectFullPool(server.url, url, 4)
})

test.concurrent('when the primary stops answering, a request does not wait for each connection in turn', async ({ onTestFinished }) => {
  const { primary, standby, databaseUrl } = await pair(onTestFinished)
  const server = await serve(onTestFinished, databaseUrl)
  const ann = client(server.url, await tokenOf('ann'))
  await eventually(async () => {
    await ann.getUser()
    // Each is a statement of its own: lists with the same filters share one, and so does a list that has not changed.
    await Promise.all(Array.from({ length: 20 }, () => ann.listTasks({ query: { dueFrom: '2027-01-01', overdue: false } })))
    expect(await connections(primary.url)).toBe(4)
  })

  await primary.freeze()
  await standby.promote()
  const began = steadyMs()
  await within(5_000, () => ann.createTask({ body: { title: 'a' } }))
  for (let i = 0; i < 8; i++) await ann.listTasks()
  expect(steadyMs() - began).toBeLessThan(6_000)
})

test.concurrent('while the standby that must confirm is away, writes are refused; a migration needs a primary', async ({
  onTestFinished,
}) => {
  const { primary, standby, databaseUrl } = await pair(onTestFinished)
  await waitForStandbyAtCommit(primary.url)
  const server = await serve(onTestFinished, databaseUrl)
  const users = await crowd(server.url, 4)
  await users.served()
  await standby.freeze()
  const from = users.calls.length
  await eventually(() => expect(tally(users.calls.slice(from).filter(({ write }) => write))[503]).toBeGreaterThan(8))
  standby.thaw()
  await users.served()
  await expectPromises(await users.leave(), `${primary.url}postgres`)
  await expectFullPool(server.url, `${primary.url}postgres`, 4)

  await migrate(parseDatabaseUrl(databaseUrl), { quiet: true })
  await server.stop()
  await primary.stop()
  await expect(migrate(parseDatabaseUrl(databaseUrl), { quiet: true })).rejects.toThrow('No host of the database takes writes')
})

/** A primary with a standby. `databaseUrl` names both, the standby first; `url` names the standby alone. */
async function pair(atEnd: TestContext['onTestFinished']) {
  const directories = await Promise.all(['primary', 'standby'].map(name => mkdtemp(join(tmpdir(), `taskspec-${name}-`))))
  const [here, there] = directories as [string, string]
  const primary = await startMigrated(here)
  const standby = await standbyOf(primary, there)
  atEnd(async () => {
    for (const each of [primary, standby]) {
      each.thaw()
      await each.stop('immediate').catch(() => {})
    }
    for (const directory of directories) await rm(directory, { recursive: true, force: true })
  })
  const { username, password } = new URL(primary.url)
  const hosts = `127.0.0.1:${standby.port},127.0.0.1:${primary.port}`
  return {
    primary,
    standby,
    url: `${standby.url}postgres`,
    databaseUrl: `postgres://${username}:${password}@${hosts}/postgres?target_session_attrs=read-write`,
  }
}

/** From now on a commit is confirmed when the standby has it too. */
async function waitForStandbyAtCommit(url: string) {
  const sql = postgres(`${url}postgres`, { max: 1 })
  await sql`alter system set synchronous_standby_names = '*'`
  await sql`select pg_reload_conf()`
  await eventually(async () => expect(await sql`select from pg_stat_replication where sync_state = 'sync'`).toHaveLength(1))
  await sql.end()
}

/** How many connections servers have to this PostgreSQL. */
async function connections(url: string): Promise<number> {
  const sql = postgres(`${url}postgres`, { max: 1 })
  const rows = await sql`select from pg_stat_activity where application_name = 'taskspec'`
  await sql.end()
  return rows.length
}

async function serve(atEnd: TestContext['onTestFinished'], databaseUrl: string) {
  const server = await start({ databaseUrl })
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= server.stop()
    return stopped
  }
  atEnd(stop)
  return { ...server, stop }
}
