// One PostgreSQL for the whole run, with a migrated template that every test file clones. Tests that need a PostgreSQL of their own
// copy its files, because a copy takes less CPU time than `initdb`.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import postgres from 'postgres'
import type { TestProject } from 'vitest/node'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { migrate } from '../../src/database/migrate.ts'
import { startPostgres } from '../../src/dev/postgres.ts'
import { record, startRecord } from './record.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** a URL without the name of a database */
    cluster: string
    /** a directory with the files of a stopped PostgreSQL whose database `postgres` has the schema */
    clusterFiles: string
    /** whether the servers are set as on Citus: callers share no statement */
    sharded: boolean
  }
}

// Durability costs time and these tests do not need it. Tests of crashes start a cluster of their own.
export const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' }

/** Projects whose tests need no server. */
const serverless = ['static', 'verdict']

export default async function setup(project: TestProject) {
  if (project.vitest.projects.every(({ name }) => serverless.includes(name))) return
  await startRecord()
  const directory = await mkdtemp(join(tmpdir(), 'taskspec-test-'))
  const cluster = await startPostgres({ directory, settings })
  await migrate(parseDatabaseUrl(`${cluster.url}postgres`), { quiet: true })
  await cluster.stop()
  const files = join(directory, 'files')
  await mkdir(files)
  await copyFiles(directory, files)
  await cluster.start()
  const sql = postgres(`${cluster.url}template1`, { max: 1 })
  await sql`create database template_taskspec template postgres`
  await sql.end()
  record('database', `${cluster.url}postgres`) // has the schema, and runs until the verdict is over
  project.provide('cluster', cluster.url)
  project.provide('clusterFiles', files)

  return async () => {
    await cluster.stop('immediate')
    await rm(directory, { recursive: true, force: true })
  }
}

/** Copies the files of a stopped PostgreSQL, of which `startPostgres` then starts the copy. */
export async function copyFiles(from: string, to: string): Promise<void> {
  const names = ['postgres', 'postgres-password']
  await promisify(execFile)('cp', ['-Rp', ...names.map(name => join(from, name)), to])
}
