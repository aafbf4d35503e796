// Two cells: databases with a server each. And the programs of src/ops that route and move accounts.
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { expect, inject } from 'vitest'
import { freePort } from '../../src/dev/free-port.ts'
import { type Client, client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import type { Program } from '../support/programs.ts'
import { test as base, createDatabase, type Service, start, tokenOf } from '../support/taskspec.ts'
import { installed } from './installed.ts'

export const ops = fileURLToPath(new URL('../../src/ops/', import.meta.url))
// Debian's psql on the PATH is a script in Perl, which takes longer than the program itself.
const folders = [...(installed === null ? [] : [installed]), ...(process.env.PATH ?? '').split(delimiter)]
export const found = (program: string) => folders.some(folder => existsSync(join(folder, program)))

export type Cell = { name: string; url: string; databaseUrl: string; sql: postgres.Sql; log: Service['log']; stop: () => Promise<void> }
export type User = Client & { id: string; account: string }
export type Cells = {
  one: Cell
  two: Cell
  /** empty, for the files of the test */
  directory: string
  /** A new user whose SHA-256 is in the half of the cell, as cells.map has it. The id has every kind of character. */
  user: (cell: Cell, url?: string) => Promise<User>
  /** Runs a command in `directory`, with the addresses of both databases. */
  run: (env: Record<string, string>, ...command: string[]) => Promise<{ stdout: string; stderr: string }>
}

export type Router = {
  url: string
  /** its log so far */
  log: () => { cell: string; status: number; requestId: string }[]
  /** the environment of route.sh */
  env: { MAP: string; ADMIN: string }
}

/** The account of a user id, as operators and the proxy compute it. */
export const accountOf = (id: string) => createHash('sha256').update(id).digest('hex')

/** `router`: the proxy of `cells`. */
export const test = base.extend<{ $test: { cells: Cells; router: Router } }>({
  cells: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern
    async ({}, use) => {
      const directory = await mkdtemp(join(tmpdir(), 'taskspec-cells-'))
      const [one, two] = await Promise.all([startCell('cell-1'), startCell('cell-2')])
      await use({ one, two, directory, user: (cell, url) => newUser(cell.name, url ?? cell.url), run })
      await Promise.all([one.end(), two.end()])
      await rm(directory, { recursive: true })

      function run(env: Record<string, string>, ...[program, ...words]: string[]) {
        const databases = { SOURCE: one.databaseUrl, TARGET: two.databaseUrl, DRAIN_SECONDS: '0' }
        const all = { PATH: folders.join(delimiter), ...databases, ...env }
        return promisify(execFile)(program as string, words, { cwd: directory, env: all })
      }
    },
    { scope: 'test' },
  ],
  router: [
    async ({ cells }, use) => {
      const { stop, ...router } = await startRouter(cells)
      await use(router)
      await stop()
    },
    { scope: 'test' },
  ],
})

async function startCell(name: string) {
  const database = await createDatabase()
  const sql = postgres(database.url, { max: 1, onnotice: () => {} })
  const { url, log, stop } = await start({ databaseUrl: database.url, timeouts: { databaseFactor: 10 } })
  let stopping: Promise<void> | undefined
  const stopOnce = () => (stopping ??= stop())
  async function end() {
    await stopOnce()
    await sql.end()
    await database.drop()
  }
  return { name, url, databaseUrl: database.url, sql, log, stop: stopOnce, end }
}

let users = 0

async function newUser(cell: string, url: string): Promise<User> {
  for (;;) {
    const id = `owner ${users++} O'Brien "\\. $HOME %41;--; \u{1f9ed} é/ü`
    const account = accountOf(id)
    if (account < '8' === (cell === 'cell-1')) return { ...client(url, await tokenOf(id)), id, account }
  }
}

/** HAProxy with src/ops/haproxy.cells.cfg and a copy of the map. */
export async function startRouter(
  { one, two, directory }: Cells,
  map = `${ops}cells.map`,
): Promise<Router & { stop: () => Promise<void> }> {
  const { path, env } = inject('programs').haproxy as Program
  const listen = `127.0.0.1:${await freePort()}`
  const folder = await mkdtemp(join(directory, 'router-'))
  const files = { MAP: join(folder, 'cells.map'), ADMIN: join(folder, 'admin.sock') }
  await copyFile(map, files.MAP)
  const addresses = [one, two].flatMap(({ url }, i) => [1, 2].map(n => [`CELL_${i + 1}_REPLICA_${n}`, new URL(url).host]))
  // The replicas are in the process of the tests, which may be busy for longer than a check waits.
  const config = (await readFile(`${ops}haproxy.cells.cfg`, 'utf8')).replace('  option httpchk\n', '$&  timeout check 60s\n')
  await writeFile(join(folder, 'haproxy.cfg'), config)
  const child = spawn(path, ['-f', join(folder, 'haproxy.cfg')], {
    env: { ...process.env, ...env, ...files, LISTEN: listen, ...Object.fromEntries(addresses) },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let text = ''
  child.stdout.on('data', chunk => {
    text += chunk
  })
  const gone = once(child, 'exit')
  async function stop() {
    child.kill('SIGKILL')
    await gone
  }
  const url = `http://${listen}`
  await eventually(async () => expect((await fetch(`${url}/livez`)).status).toBe(200))
  return { url, log: () => linesOf(text), env: files, stop }
}

/** Log lines are JSON, or text such as that of a health check. */
const linesOf = (text: string): ReturnType<Router['log']> =>
  text
    .split('\n')
    .slice(0, -1)
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line))
