// A PostgreSQL that a test may stop, crash and freeze.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { migrate } from '../../src/database/migrate.ts'
import { type Postgres, startPostgres } from '../../src/dev/postgres.ts'
import { test as base, start } from '../support/taskspec.ts'

export type Fragile = Postgres & {
  /** Stops every process of it where it stands: connections stay open, and nobody answers. */
  freeze: () => Promise<void>
  thaw: () => void
  /** Ends every process of it at once, by SIGKILL. */
  kill: () => Promise<void>
}

/** `databaseUrl`: a database with the schema. */
export type Cluster = Fragile & { databaseUrl: string }

/** `cluster`: one for the file. `serve`: starts a server on it, which ends with the test. */
export const test = base.extend<{
  $file: { cluster: Cluster }
  $test: { serve: (settings?: Partial<Parameters<typeof start>[0]>) => ReturnType<typeof start> }
}>({
  cluster: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern
    async ({}, use) => {
      const directory = await mkdtemp(join(tmpdir(), 'taskspec-fault-'))
      const cluster = fragile(await startPostgres({ directory, settings: { max_connections: '30' } }))
      const databaseUrl = `${cluster.url}postgres`
      await migrate(databaseUrl, { quiet: true })
      await use({ ...cluster, databaseUrl })
      cluster.thaw()
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

export function fragile(cluster: Postgres): Fragile {
  const { url, directory } = cluster
  const lock = join(directory, 'postgres', 'postmaster.pid')
  let frozen: number[] = []

  async function freeze() {
    const sql = postgres(`${url}postgres`, { max: 1 })
    await sql`select`
    const postmaster = Number((await readFile(lock, 'utf8')).split('\n', 1)[0])
    // The postmaster first, so that the list of the others is final.
    frozen = [postmaster]
    process.kill(postmaster, 'SIGSTOP')
    const others = await sql<{ pid: number }[]>`select pid from pg_stat_activity`
    frozen.push(...others.map(({ pid }) => pid))
    for (const pid of frozen) process.kill(pid, 'SIGSTOP')
    await sql.end({ timeout: 0 })
  }

  function all(signal: NodeJS.Signals) {
    for (const pid of frozen) process.kill(pid, signal)
    frozen = []
  }

  return {
    ...cluster,
    freeze,
    thaw: () => all('SIGCONT'),
    async kill() {
      if (frozen.length === 0) await freeze()
      all('SIGKILL')
      await rm(lock) // a process that nobody has buried would pass for the one that left it
    },
  }
}
