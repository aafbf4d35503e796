// A PostgreSQL that a test may stop, crash and freeze.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { type Postgres, startPostgres } from '../../src/dev/postgres.ts'
import { migrate } from '../../src/migrate.ts'
import { test as base, start } from '../taskspec.ts'

export type Cluster = Postgres & {
  /** a database with the schema */
  databaseUrl: string
  /** Stops every process of it where it stands: connections stay open, and nobody answers. */
  freeze: () => Promise<void>
  thaw: () => void
}

/** `cluster`: one for the file. `serve`: starts a server on it, which ends with the test. */
export const test = base.extend<{
  $file: { cluster: Cluster }
  $test: { serve: (settings?: Partial<Parameters<typeof start>[0]>) => ReturnType<typeof start> }
}>({
  cluster: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern
    async ({}, use) => {
      const directory = await mkdtemp(join(tmpdir(), 'taskspec-fault-'))
      const cluster = await startPostgres({ directory, settings: { max_connections: '30' } })
      const databaseUrl = `${cluster.url}postgres`
      await migrate(databaseUrl, { quiet: true })
      const { freeze, thaw } = ice(cluster)
      await use({ ...cluster, databaseUrl, freeze, thaw })
      thaw()
      await cluster.stop('immediate').catch(() => {})
      await rm(directory, { recursive: true, force: true })
    },
    { scope: 'file' },
  ],
  serve: async ({ cluster }, use) => {
    const running = new Set<() => Promise<void>>()
    await use(async settings => {
      const server = await start({ databaseUrl: cluster.databaseUrl, ...settings })
      running.add(server.stop)
      return {
        ...server,
        async stop() {
          running.delete(server.stop)
          await server.stop()
        },
      }
    })
    cluster.thaw()
    await Promise.all([...running].map(stop => stop()))
  },
})

function ice({ url, directory }: Postgres) {
  let frozen: number[] = []
  return {
    async freeze() {
      const sql = postgres(`${url}postgres`, { max: 1 })
      await sql`select`
      const postmaster = Number((await readFile(join(directory, 'postgres', 'postmaster.pid'), 'utf8')).split('\n', 1)[0])
      // The postmaster first, so that the list of the others is final.
      frozen = [postmaster]
      process.kill(postmaster, 'SIGSTOP')
      const others = await sql<{ pid: number }[]>`select pid from pg_stat_activity`
      frozen.push(...others.map(({ pid }) => pid))
      for (const pid of frozen) process.kill(pid, 'SIGSTOP')
      await sql.end({ timeout: 0 })
    },
    thaw() {
      for (const pid of frozen) process.kill(pid, 'SIGCONT')
      frozen = []
    },
  }
}
