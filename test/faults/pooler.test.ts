// PgBouncer in transaction mode between the server and PostgreSQL. Skipped where there is none on the machine.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { expect, type TestContext, vi } from 'vitest'
import { client } from '../client.ts'
import { tokenOf } from '../taskspec.ts'
import { type Cluster, test } from './cluster.ts'
import { crowd, expectKept, slowest, tally } from './crowd.ts'

const pgbouncer = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer'].find(file => existsSync(file))
const behindPooler = test.skipIf(pgbouncer === undefined)

behindPooler('behind a pooler everybody is answered, also when it is killed and comes back', async ({ cluster, serve, onTestFinished }) => {
  const pooler = await start(cluster, onTestFinished)
  const { url } = await serve({ databaseUrl: pooler.url, pooler: true, poolSize: 8 })
  const ann = client(url, await tokenOf('pooled'))
  const { body: task } = await ann.createTask({ body: { title: 'a', labels: ['b'] } })
  expect((await ann.listTasks({ query: { label: ['b'] } })).body.items).toEqual([task])
  await ann.updateTask({ path: { taskId: task.id }, body: { completed: true } })

  const people = await crowd(url, 8)
  await vi.waitFor(() => expect(tally(people.calls)[201]).toBeGreaterThan(20), 10_000)
  await pooler.kill()
  const away = people.calls.length
  await vi.waitFor(() => expect(tally(people.calls.slice(away))[503]).toBeGreaterThan(4), 10_000)
  await pooler.again()
  const back = people.calls.length
  await vi.waitFor(() => expect(tally(people.calls.slice(back))).toMatchObject({ 200: expect.any(Number), 201: expect.any(Number) }), 5_000)
  const { calls, wrong } = await people.leave()

  expect(wrong).toEqual([])
  expect(Object.keys(tally(calls)).filter(status => !['200', '201', '503'].includes(status))).toEqual([])
  expect(slowest(calls)).toBeLessThan(5_000)
  await expectKept(cluster.databaseUrl, calls)
})

behindPooler(
  'behind a pooler a statement that waits is given up, by the setting of the role',
  async ({ cluster, serve, onTestFinished }) => {
    const pooler = await start(cluster, onTestFinished)
    const { url } = await serve({ databaseUrl: pooler.url, pooler: true })
    const ann = client(url, await tokenOf('locked'))
    await ann.getUser()
    const sql = postgres(cluster.databaseUrl, { max: 1 })
    await sql`begin`
    await sql`select from users where id = 'locked' for update`
    const { headers } = await ann.updateUser({ body: { name: 'x' } }, 503)
    expect(headers.get('retry-after')).toBe('5')
    await sql`rollback`
    await sql.end()
  },
)

async function start(cluster: Cluster, atEnd: TestContext['onTestFinished']) {
  const { hostname, port, username, password, pathname } = new URL(cluster.databaseUrl)
  const sql = postgres(cluster.databaseUrl, { max: 1 })
  await sql.unsafe(`alter role "${username}" set statement_timeout = '1500ms'`)
  await sql.end()
  const directory = await mkdtemp(join(tmpdir(), 'taskspec-pooler-'))
  await chmod(directory, 0o755)
  const listen = await freePort()
  const users = join(directory, 'users')
  const settings = join(directory, 'pgbouncer.ini')
  await writeFile(users, `"${username}" "${password}"\n`)
  await writeFile(
    settings,
    `[databases]
* = host=${hostname} port=${port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listen}
unix_socket_dir =
auth_type = plain
auth_file = ${users}
pool_mode = transaction
default_pool_size = 3
server_login_retry = 1
`,
  )
  let child = await run()
  atEnd(async () => {
    child.kill('SIGKILL')
    await rm(directory, { recursive: true })
  })

  /** It refuses to be root. */
  async function run(): Promise<ChildProcess> {
    const words = process.getuid?.() === 0 ? ['-u', 'nobody', settings] : [settings]
    const started = spawn(pgbouncer as string, words, { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    started.stderr?.on('data', chunk => {
      said += chunk
    })
    await vi.waitFor(() => expect(said).toContain('process up'), 5_000)
    return started
  }

  return {
    url: `postgres://${username}:${password}@127.0.0.1:${listen}${pathname}`,
    async kill() {
      const gone = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
    },
    async again() {
      child = await run()
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
