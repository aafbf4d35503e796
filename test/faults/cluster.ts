// A PostgreSQL that a test may stop, crash and freeze.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { inject } from 'vitest'
import { type Postgres, startPostgres } from '../../src/dev/postgres.ts'
import { copyFiles } from '../support/cluster.ts'
import { test as base, start } from '../support/taskspec.ts'

export type Fragile = Postgres & {
  /** Stops each of its processes with SIGSTOP: connections stay open, and nothing answers. */
  freeze: () => Promise<void>
  thaw: () => void
  /** Kills each of its processes with SIGKILL. */
  kill: () => Promise<void>
}

/** `databaseUrl`: a database with the schema. */
export type Cluster = Fragile & { databaseUrl: string }

/** `cluster`: one for the file. `serve`: starts a server on it, which stops after the test. */
export const test = base.extend<{
  $file: { cluster: Cluster }
  $test: { serve: (settings?: Partial<Parameters<typeof start>[0]>) => ReturnType<typeof start> }
}>({
  cluster: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern
    async ({}, use) => {
      const directory = await mkdtemp(join(tmpdir(), 'taskspec-fault-'))
      const cluster = await startMigrated(directory)
      await use({ ...cluster, databaseUrl: `${cluster.url}postgres` })
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

/** A PostgreSQL in an empty directory, whose database `postgres` has the schema. */
export async function startMigrated(directory: string): Promise<Fragile> {
  await copyFiles(inject('clusterFiles'), directory)
  return fragile(await startPostgres({ directory, settings: { max_connections: '30' } }))
}

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
      await rm(lock) // a zombie of the postmaster would pass for a running one
    },
  }
}
