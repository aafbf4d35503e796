// The disk of the database is full: reads are served, and writes are refused with Retry-After.
import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { expect, type TestContext } from 'vitest'
import { errorCode } from '../../src/database/errors.ts'
import { needs } from '../support/checks.ts'
import { client } from '../support/client.ts'
import { within } from '../support/clock.ts'
import { tokenOf } from '../support/taskspec.ts'
import { type Cluster, test } from './cluster.ts'
import { crowd, expectPromises, json } from './crowd.ts'

type Full = { databaseUrl: string; fill: string; free: string[] }

test('while no file may grow, writes are refused with Retry-After', async ({ cluster, serve }) => {
  await expectRefusalOfWrites(await limitFiles(cluster), serve)
})

const canMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0
test('while the file system is full, writes are refused with Retry-After', {
  ...needs(canMount, 'Linux as root, to mount a file system'),
}, async ({ cluster, serve, onTestFinished }) => {
  await expectRefusalOfWrites(await mountSmall(cluster, onTestFinished), serve)
})

async function expectRefusalOfWrites(
  { databaseUrl, fill, free }: Full,
  serve: (settings: { databaseUrl: string }) => Promise<{ url: string }>,
) {
  const { url } = await serve({ databaseUrl })
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  const filler = client(url, await tokenOf('filler'))
  const long = () => filler.send('POST', '/v1/users/me/tasks', json({ title: 'a', description: randomBytes(5_000).toString('hex') }))
  expect((await long()).status).toBe(201)
  const users = await crowd(url, 4)
  await users.served()

  const refusal = await repeatUntilError(() => sql.unsafe(fill))
  expect(['53100', 'XX000']).toContain(errorCode(refusal))
  let refused = await long()
  while (refused.status === 201) refused = await long() // in the space that the last attempt left
  expect(refused).toMatchObject({ status: 503, body: { type: '/problems/unavailable' } })
  expect(refused.headers.get('retry-after')).toBe('5')
  await filler.listTasks()
  await filler.getReadiness()

  for (const statement of free) await sql.unsafe(statement)
  await users.served()
  await within(5_000, async () => expect((await long()).status).toBe(201))
  await sql.end()
  await expectPromises(await users.leave(), databaseUrl)
}

/** Repeats the work until it fails, and returns the error. */
async function repeatUntilError(work: () => Promise<unknown>): Promise<unknown> {
  for (;;) {
    const failure = await work().then(
      () => undefined,
      error => error,
    )
    if (failure !== undefined) return failure
  }
}

/** No file may exceed 17 MiB, one more than the files of the WAL have: the kernel refuses larger ones. */
async function limitFiles(cluster: Cluster): Promise<Full> {
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
async function mountSmall(cluster: Cluster, atEnd: TestContext['onTestFinished']): Promise<Full> {
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

/** Restarts it below a shell whose command applies to all of its processes. */
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
