// The disk of the database has no room left: who reads is served, who writes is asked to come back.
import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { expect, type TestContext, vi } from 'vitest'
import { errorCode } from '../../src/database/errors.ts'
import { needs } from '../support/checks.ts'
import { client } from '../support/client.ts'
import { tokenOf } from '../support/taskspec.ts'
import { type Cluster, test } from './cluster.ts'
import { crowd, expectPromises, json } from './crowd.ts'

const timeout = 60_000

type Full = { databaseUrl: string; fill: string; free: string[] }

test('while no file may grow, writers are asked to come back', { timeout }, async ({ cluster, serve }) => {
  await expectRoomMatters(await limited(cluster), serve)
})

const mounts = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0
test('while the file system is full, writers are asked to come back', {
  timeout,
  ...needs(mounts, 'Linux as root, to mount a file system'),
}, async ({ cluster, serve, onTestFinished }) => {
  await expectRoomMatters(await mounted(cluster, onTestFinished), serve)
})

async function expectRoomMatters(
  { databaseUrl, fill, free }: Full,
  serve: (settings: { databaseUrl: string }) => Promise<{ url: string }>,
) {
  const { url } = await serve({ databaseUrl })
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  const filler = client(url, await tokenOf('filler'))
  const long = () => filler.send('POST', '/v1/users/me/tasks', json({ title: 'a', description: randomBytes(5_000).toString('hex') }))
  expect((await long()).status).toBe(201)
  const people = await crowd(url, 4)
  await people.served()

  const refusal = await repeat(() => sql.unsafe(fill))
  expect(['53100', 'XX000']).toContain(errorCode(refusal))
  let refused = await long()
  while (refused.status === 201) refused = await long() // in the room that the last try left behind
  expect(refused).toMatchObject({ status: 503, body: { type: '/problems/unavailable' } })
  expect(refused.headers.get('retry-after')).toBe('5')
  await filler.listTasks()
  await filler.getReadiness()

  for (const statement of free) await sql.unsafe(statement)
  await people.served()
  await vi.waitFor(async () => expect((await long()).status).toBe(201), 5_000)
  await sql.end()
  await expectPromises(await people.leave(), databaseUrl)
}

/** Until it fails, and with what. */
async function repeat(work: () => Promise<unknown>): Promise<unknown> {
  for (;;) {
    const failure = await work().then(
      () => undefined,
      error => error,
    )
    if (failure !== undefined) return failure
  }
}

/** No file may have more than 17 MiB, one more than the files of the WAL have: the kernel refuses what goes beyond. */
async function limited(cluster: Cluster): Promise<Full> {
  await restart(cluster, 'ulimit -f 34816') // of 512 bytes
  return {
    databaseUrl: cluster.databaseUrl,
    fill: `
      insert into tasks (owner_id, id, title, description, priority, labels, revision)
      select 'filler', gen_random_uuid(), 'filler', long, 'none', '{}', 1
      from generate_series(1, 50),
        (select string_agg(translate(md5(random()::text), '0123456789', 'ghijklmnop'), '') as long from generate_series(1, 300)) as text`,
    free: ["delete from tasks where title = 'filler'", 'vacuum tasks'],
  }
}

/** The database is on a file system of 40 MiB. */
async function mounted(cluster: Cluster, atEnd: TestContext['onTestFinished']): Promise<Full> {
  const small = await mkdtemp(join(tmpdir(), 'taskspec-small-'))
  atEnd(() => rm(small, { recursive: true }))
  const { uid, gid } = await stat(join(cluster.directory, 'postgres'))
  await restart(cluster, `mount -t tmpfs -o size=40m,mode=700,uid=${uid},gid=${gid} tmpfs ${small}`, 'unshare', '-m')
  const sql = postgres(`${cluster.url}template1`, { max: 1 })
  await sql.unsafe(`create tablespace small location '${small}'`)
  await sql.unsafe('create database small template postgres tablespace small')
  await sql.end()
  return {
    databaseUrl: `${cluster.url}small`,
    fill: "create table if not exists filler (text text); insert into filler select repeat('x', 1000) from generate_series(1, 1000)",
    free: ['drop table filler'],
  }
}

/** Starts it again after a command of the shell that holds for its processes. */
async function restart(cluster: Cluster, command: string, ...before: string[]) {
  await cluster.stop()
  const module = new URL('../../src/dev/postgres.ts', import.meta.url)
  const options = JSON.stringify({ directory: cluster.directory, settings: { max_connections: '30', port: String(cluster.port) } })
  const program = `await (await import('${module}')).startPostgres(${options})`
  const [file = '', ...words] = [
    ...before,
    'sh',
    '-c',
    `${command} && exec "$@"`,
    'sh',
    process.execPath,
    '--input-type=module',
    '-e',
    program,
  ]
  await promisify(execFile)(file, words)
}
