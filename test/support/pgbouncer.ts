// PgBouncer with the settings of src/ops/pgbouncer.ini, in front of a database.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from '../../src/dev/free-port.ts'
import type { Program } from './programs.ts'

export type Pooler = { url: string; kill: (signal?: NodeJS.Signals) => Promise<void>; again: () => Promise<void> }
export type Settings = Record<string, string | number>

/** `settings` replace those of the file. */
export async function startPgBouncer(
  program: Program,
  databaseUrl: string,
  settings: Settings = {},
): Promise<Pooler & { end: () => Promise<void> }> {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl)
  const directory = await mkdtemp(join(tmpdir(), 'taskspec-pooler-'))
  await chmod(directory, 0o755)
  const listen = await freePort()
  const users = join(directory, 'users')
  const file = join(directory, 'pgbouncer.ini')
  await writeFile(users, `"${username}" "${password}"\n`)
  const addresses = { listen_addr: '127.0.0.1', listen_port: listen, auth_file: users }
  const text = await readFile(new URL('../../src/ops/pgbouncer.ini', import.meta.url), 'utf8')
  const template = text.replace(/^taskspec = .*$/m, `${pathname.slice(1)} = host=${hostname} port=${port}`)
  await writeFile(file, Object.entries({ ...addresses, ...settings }).reduce(set, template))
  let child = await run(program, file)

  return {
    url: `postgres://${username}:${password}@127.0.0.1:${listen}${pathname}`,
    async kill(signal = 'SIGKILL') {
      const exited = once(child, 'exit')
      child.kill(signal)
      await exited
    },
    async again() {
      child = await run(program, file)
    },
    async end() {
      child.kill('SIGKILL')
      await rm(directory, { recursive: true })
    },
  }
}

/** Resolves when PgBouncer serves. It refuses to run as root. */
async function run({ path, env }: Program, file: string): Promise<ChildProcess> {
  const args = process.getuid?.() === 0 ? ['-u', 'nobody', file] : [file]
  const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } })
  for await (const line of createInterface({ input: child.stderr })) if (line.includes('process up')) break
  child.stderr.resume()
  if (child.exitCode !== null) throw new Error(`PgBouncer ended with ${child.exitCode}.`)
  return child
}

// Replaces the line in place: if a section is repeated, PgBouncer discards its first part.
function set(text: string, [name, value]: [string, string | number]): string {
  const line = new RegExp(`^${name} = .*$`, 'm')
  if (!line.test(text)) throw new Error(`pgbouncer.ini has no ${name}`)
  return text.replace(line, `${name} = ${value}`)
}
