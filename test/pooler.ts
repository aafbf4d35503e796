// PgBouncer with the settings of src/ops/pgbouncer.ini, before a database of a test.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, inject, type TestContext, vi } from 'vitest'
import type { Program } from './programs.ts'

export type Pooler = { url: string; kill: (signal?: NodeJS.Signals) => Promise<void>; again: () => Promise<void> }

/** `settings` in PgBouncer's own words come after those of the file, and count. */
export async function startPooler(databaseUrl: string, atEnd: TestContext['onTestFinished'], settings = ''): Promise<Pooler> {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl)
  const directory = await mkdtemp(join(tmpdir(), 'taskspec-pooler-'))
  await chmod(directory, 0o755)
  const listen = await freePort()
  const users = join(directory, 'users')
  const file = join(directory, 'pgbouncer.ini')
  await writeFile(users, `"${username}" "${password}"\n`)
  await writeFile(
    file,
    `%include ${fileURLToPath(new URL('../src/ops/pgbouncer.ini', import.meta.url))}
[databases]
* = host=${hostname} port=${port}
${pathname.slice(1)} = host=${hostname} port=${port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listen}
auth_file = ${users}
${settings}
`,
  )
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

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
