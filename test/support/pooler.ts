// PgBouncer with the settings of src/ops/pgbouncer.ini, before a database of a test.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, vi } from 'vitest'
import { freePort } from './port.ts'
import type { Program } from './programs.ts'

export type Pooler = { url: string; kill: (signal?: NodeJS.Signals) => Promise<void>; again: () => Promise<void> }

/** `settings` stand in for those of the file. */
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
  const places = { listen_addr: '127.0.0.1', listen_port: listen, auth_file: users }
  const text = await readFile(new URL('../../src/ops/pgbouncer.ini', import.meta.url), 'utf8')
  const moved = text.replace(/^taskspec = .*$/m, `${pathname.slice(1)} = host=${hostname} port=${port}`)
  await writeFile(file, Object.entries({ ...places, ...settings }).reduce(set, moved))
  let child = await run()
  atEnd(async () => {
    child.kill('SIGKILL')
    await rm(directory, { recursive: true })
  })

  /** It refuses to be root. */
  async function run(): Promise<ChildProcess> {
    const { path, env } = inject('programs').pgbouncer as Program
    const words = process.getuid?.() === 0 ? ['-u', 'nobody', file] : [file]
    const started = spawn(path, words, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } })
    let said = ''
    started.stderr?.on('data', chunk => {
      said += chunk
    })
    await vi.waitFor(() => expect(said).toContain('process up'), 5_000)
    return started
  }

  return {
    url: `postgres://${username}:${password}@127.0.0.1:${listen}${pathname}`,
    async kill(signal = 'SIGKILL') {
      const gone = once(child, 'exit')
      child.kill(signal)
      await gone
    },
    async again() {
      child = await run()
    },
  }
}

// In place: PgBouncer forgets a section when it comes again.
function set(text: string, [name, value]: [string, string | number]) {
  const line = new RegExp(`^${name} = .*$`, 'm')
  expect(text).toMatch(line)
  return text.replace(line, `${name} = ${value}`)
}
