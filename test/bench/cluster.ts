// The PostgreSQL of a benchmark, with real durability, and what brings it back to where it began.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { migrate } from '../../src/database/migrate.ts'
import { startPostgres } from '../../src/dev/postgres.ts'
import { type Size, seed } from './seed.ts'

const settings = {
  max_connections: '300',
  shared_buffers: '256MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off', // housekeeping comes between the measurements, for everybody alike
}

export type Cluster = AsyncDisposable & {
  /** the process whose children do the work */
  pid: number
  /** A database with accounts of these sizes. */
  create: (name: string, ...sizes: Size[]) => Promise<Seeded>
}
export type Seeded = { url: string; sql: postgres.Sql; tidy: () => Promise<void> }

export async function startCluster(): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'taskspec-bench-'))
  const running = await startPostgres({ directory, settings })
  const template = `${running.url}template_bench`
  const admin = postgres(`${running.url}postgres`, { max: 1, onnotice: () => {} })
  const opened: postgres.Sql[] = [admin]
  await admin`create database template_bench`
  await migrate(template, { quiet: true })

  const cluster: Cluster = {
    pid: Number((await readFile(join(directory, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]),
    async create(name, ...sizes) {
      await admin`create database ${admin(name)} template template_bench`
      const sql = postgres(running.url + name, { max: 4, onnotice: () => {} })
      opened.push(sql)
      for (const size of sizes) await seed(sql, size)
      await sql`vacuum`
      await sql`checkpoint`
      return { url: running.url + name, sql, tidy: () => tidy(sql) }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map(sql => sql.end({ timeout: 1 })))
      await running.stop('immediate')
      await rm(directory, { recursive: true, force: true })
    },
  }
  // It would outlive us: it has left our process group. Targets are killed on exit.
  process.once('SIGINT', async () => {
    await cluster[Symbol.asyncDispose]()
    process.exit(130)
  })
  return cluster
}

/** Takes away what a run has written and what it left in the indexes, so that the next one finds what this one found. */
async function tidy(sql: postgres.Sql) {
  await sql`delete from tasks where created_at > '2026-01-01'` // the seed ends before
  await sql`vacuum (index_cleanup on) tasks`
  await sql`vacuum users`
}
