// One PostgreSQL for the whole run, with a migrated template that every test file clones.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import type { TestProject } from 'vitest/node'
import { migrate } from '../../src/database/migrate.ts'
import { startPostgres } from '../../src/dev/postgres.ts'
import { startRecord } from './record.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** a URL without the name of a database */
    cluster: string
  }
}

// Durability costs time and these tests do not need it. Tests of crashes start a cluster of their own.
const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' }

export default async function setup(project: TestProject) {
  await startRecord()
  const directory = await mkdtemp(join(tmpdir(), 'taskspec-test-'))
  const cluster = await startPostgres({ directory, settings })
  const sql = postgres(`${cluster.url}postgres`, { max: 1 })
  await sql`create database template_taskspec`
  await migrate(`${cluster.url}template_taskspec`, { quiet: true })
  await sql.end()
  project.provide('cluster', cluster.url)

  return async () => {
    await cluster.stop('immediate')
    await rm(directory, { recursive: true, force: true })
  }
}
