// PgBouncer with the settings of src/ops/pgbouncer.ini, in front of the database of a test.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, vi } from 'vitest'
import { freePort } from './port.ts'
import type { Program } from './programs.ts'

export type Pooler = { url: string; kill: (signal?: NodeJS.Signals) => Promise<void>; again: () => Promise<void> }

/** `settings` replace those of the file. */
export async function startPooler(
  databaseUrl: string,
  atEnd: (end: () => Promise<void>) => void,
  settings: Record<string, string | number> = {},
): Promise<Pooler> {
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
  let child = await run()
  atEnd(async () => {
    child.kill('SIGKILL')
    await rm(directory, { recursive: true })
  })

  /** PgBouncer refuses to run as root. */
  async function run(): Promise<ChildProcess> {
    const { path, env } = inject('programs').pgbouncer as Program
    const args = process.getuid?.() === 0 ? ['-u', 'nobody', file] : [file]
    const started = spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } })
    let output = ''
    started.stderr?.on('data', chunk => {
      output += chunk
    })
    await vi.waitFor(() => expect(output).toContain('process up'), 5_000)
    return started
  }

  return {
    url: `postgres://${username}:${password}@127.0.0.1:${listen}${pathname}`,
    async kill(signal = 'SIGKILL') {
      const exited = once(child, 'exit')
      child.kill(signal)
      await exited
    },
    async again() {
      child = await run()
    },
  }
}

// Replaces the line in place: if a section is repeated, PgBouncer discards its first part.
function set(text: string, [name, value]: [string, string | number]) {
  const line = new RegExp(`^${name} = .*$`, 'm')
  expect(text).toMatch(line)
  return text.replace(line, `${name} = ${value}`)
}
