// The PostgreSQL of a benchmark. It has the durability of production, and a cleanup between measurements.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { migrate } from '../../src/database/migrate.ts'
import { startPostgres } from '../../src/dev/postgres.ts'
import { type Size, seed } from './seed.ts'

const settings = {
  max_connections: '300',
  shared_buffers: '256MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off', // `tidy` runs it between measurements instead
}

export type Cluster = AsyncDisposable & {
  /** the main process; its children do the work */
  pid: number
  /** Creates a database with accounts of these sizes. */
  create: (name: string, ...sizes: Size[]) => Promise<Seeded>
}
export type Seeded = { url: string; sql: postgres.Sql; tidy: () => Promise<void> }

export async function startCluster(): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'taskspec-bench-'))
  const running = await startPostgres({ directory, settings })
  const template = `${running.url}template_bench`
  const admin = postgres(`${running.url}postgres`, { max: 1, onnotice: () => {} })
  const clients: postgres.Sql[] = [admin]
  await admin`create database template_bench`
  await migrate(parseDatabaseUrl(template), { quiet: true })

  const cluster: Cluster = {
    pid: Number((await readFile(join(directory, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]),
    async create(name, ...sizes) {
      await admin`create database ${admin(name)} template template_bench`
      const sql = postgres(running.url + name, { max: 4, onnotice: () => {} })
      clients.push(sql)
      for (const size of sizes) await seed(sql, size)
      await sql`vacuum`
      await sql`checkpoint`
      return { url: running.url + name, sql, tidy: () => tidy(sql) }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map(sql => sql.end({ timeout: 1 })))
      await running.stop('immediate')
      await rm(directory, { recursive: true, force: true })
    },
  }
  // PostgreSQL left the process group, so Ctrl-C does not reach it. Targets are killed on exit.
  process.once('SIGINT', async () => {
    await cluster[Symbol.asyncDispose]()
    process.exit(130)
  })
  return cluster
}

/** Deletes the rows of a run and its dead index entries, so that each run starts from the same state. */
async function tidy(sql: postgres.Sql) {
  const schemas = await sql<{ name: string }[]>`select schemaname as name from pg_tables where tablename = 'tasks'`
  for (const { name: schema } of schemas) {
    await sql`delete from ${sql(schema)}.tasks where created_at > '2026-01-01'` // the rows of the seed are older
    await sql`vacuum (index_cleanup on) ${sql(schema)}.tasks`
    await sql`vacuum ${sql(schema)}.users`
  }
}
