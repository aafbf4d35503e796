// A primary fails, and a standby that is named beside it in DATABASE_URL is promoted.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { expect, type TestContext, vi } from 'vitest'
import { migrate } from '../../src/database/migrate.ts'
import { startPostgres } from '../../src/dev/postgres.ts'
import { client } from '../support/client.ts'
import { start, test, tokenOf } from '../support/taskspec.ts'
import { fragile } from './cluster.ts'
import { crowd, expectFullPool, expectPromises, tally } from './crowd.ts'
import { standbyOf } from './standby.ts'

const timeout = 60_000

test.concurrent('when the primary is killed under load, all goes on with the promoted standby, and nothing is lost', { timeout }, async ({
  onTestFinished,
}) => {
  const { primary, standby, url, databaseUrl } = await pair(onTestFinished)
  await synchronous(primary.url)
  const server = await serve(onTestFinished, databaseUrl)
  const people = await crowd(server.url, 8)
  await vi.waitFor(() => expect(tally(people.calls)[201]).toBeGreaterThan(30), 10_000)

  await primary.kill()
  await people.refused()
  expect(await standby.statements()).toBe(0)
  await standby.promote()
  await people.served()
  expect(await standby.statements()).toBeGreaterThan(0)

  // The one that failed comes back behind the other, and whoever looks for a primary has to pass by.
  const former = await standbyOf(standby, primary.directory, primary.port)
  onTestFinished(() => former.stop('immediate'))
  const admin = postgres(url, { max: 1 })
  for (let round = 0; round < 3; round++) {
    await admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'taskspec'`
    await people.served()
  }
  await admin.end()
  await expectPromises(await people.leave(), url)
  expect(await former.statements()).toBe(0)
  await expectFullPool(server.url, url, 4)
})

test.concurrent('when the primary falls silent, whoever comes is not kept waiting for each of its connections', { timeout }, async ({
  onTestFinished,
}) => {
  const { primary, standby, databaseUrl } = await pair(onTestFinished)
  const server = await serve(onTestFinished, databaseUrl)
  const ann = client(server.url, await tokenOf('ann'))
  await Promise.all(Array.from({ length: 8 }, () => ann.updateUser({ body: { name: 'Ann' } })))

  await primary.freeze()
  await standby.promote()
  const began = performance.now()
  await vi.waitFor(() => ann.createTask({ body: { title: 'a' } }), { timeout: 5_000, interval: 10 })
  for (let i = 0; i < 8; i++) await ann.listTasks()
  expect(performance.now() - began).toBeLessThan(6_000)
})

test.concurrent('while the standby that has to confirm is away, writers are asked to come back', { timeout }, async ({
  onTestFinished,
}) => {
  const { primary, standby, databaseUrl } = await pair(onTestFinished)
  await synchronous(primary.url)
  const server = await serve(onTestFinished, databaseUrl)
  const people = await crowd(server.url, 4)
  await people.served()
  await standby.freeze()
  const from = people.calls.length
  await vi.waitFor(() => expect(tally(people.calls.slice(from))[503]).toBeGreaterThan(8), 10_000)
  standby.thaw()
  await people.served()
  await expectPromises(await people.leave(), `${primary.url}postgres`)
  await expectFullPool(server.url, `${primary.url}postgres`, 4)
})

test.concurrent('a migration finds the primary, and says when there is none', { timeout }, async ({ onTestFinished }) => {
  const { primary, databaseUrl } = await pair(onTestFinished)
  await migrate(databaseUrl, { quiet: true })
  await primary.stop()
  await expect(migrate(databaseUrl, { quiet: true })).rejects.toThrow('No host of the database takes writes')
})

/** A primary with a standby. `databaseUrl` names both, the standby first; `url` the standby alone. */
async function pair(atEnd: TestContext['onTestFinished']) {
  const directories = await Promise.all(['primary', 'standby'].map(name => mkdtemp(join(tmpdir(), `taskspec-${name}-`))))
  const [here, there] = directories as [string, string]
  const primary = fragile(await startPostgres({ directory: here, settings: { max_connections: '30' } }))
  await migrate(`${primary.url}postgres`, { quiet: true })
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
async function synchronous(url: string) {
  const sql = postgres(`${url}postgres`, { max: 1 })
  await sql`alter system set synchronous_standby_names = '*'`
  await sql`select pg_reload_conf()`
  await vi.waitFor(async () => expect(await sql`select from pg_stat_replication where sync_state = 'sync'`).toHaveLength(1), 5_000)
  await sql.end()
}

async function serve(atEnd: TestContext['onTestFinished'], databaseUrl: string) {
  const server = await start({ databaseUrl })
  atEnd(server.stop)
  return server
}
