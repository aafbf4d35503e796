// The jobs of src/ops/compose.citus.yaml with psql, in their order and with the rights that each role has there, on the stand-in for Citus.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { expect } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { migrate } from '../../src/database/migrate.ts'
import { doctor } from '../cli/doctor.ts'
import { test } from '../faults/cluster.ts'
import { needs } from '../support/checks.ts'
import { createCitus } from '../support/citus.ts'
import { deployments } from './compose.ts'
import { installed } from './installed.ts'
import { secrets } from './topology.ts'

const run = promisify(execFile)
const ops = new URL('../../src/ops/', import.meta.url)
const { services } = deployments.Citus

test('the jobs leave a database that the doctor finds fit for its server, also at the second start', {
  ...needs(installed !== null, 'an installed PostgreSQL with its client programs'),
}, async ({ cluster }) => {
  const superuser = postgres(`${cluster.url}postgres`, { max: 1 })
  await superuser.unsafe(`create role taskspec_owner login createrole createdb password '${secrets.OWNER_PASSWORD}'`)
  await superuser`create database taskspec owner taskspec_owner`
  await superuser.end()
  const inside = postgres(`${cluster.url}taskspec`, { max: 1, onnotice: () => {} })
  expect(await readFile(new URL('citus.sql', ops), 'utf8')).toMatch(/\n\\connect taskspec\ncreate extension citus;\n$/)
  await createCitus(inside)

  const address = `127.0.0.1:${cluster.port}/taskspec`
  for (const start of ['first', 'second']) {
    await job('nodes', cluster)
    await migrate(parseDatabaseUrl(`postgres://taskspec_owner:${secrets.OWNER_PASSWORD}@${address}`), { quiet: true })
    await job('distribute', cluster)
    await job('roles', cluster)
    const { environment = {} } = services['server-1'] ?? {}
    const { output } = await doctor({
      NODE_ENV: 'production',
      DATABASE_URL: `postgres://taskspec_server:${secrets.SERVER_PASSWORD}@${address}`,
      DATABASE_SHARDED: environment.DATABASE_SHARDED as string,
    })
    expect(output, start).toMatch(/^ok {2}role .*\nok {2}citus {7}Citus 13\.2\.0, workers: 2, users by id, /m)
    expect(output, start).not.toContain('!!')
  }
  await inside.end()
})

/** Runs the command of a service on that cluster, with the files of its volumes in their places. */
async function job(name: 'nodes' | 'distribute' | 'roles', { port, url }: { port: number; url: string }) {
  const { command = [], environment = {}, volumes = [] } = services[name] ?? {}
  const places = volumes.map(each => each.split(':') as [from: string, to: string]).sort(([, a], [, b]) => b.length - a.length)
  const moved = (word: string) => {
    const [from, to] = places.find(([, to]) => word.startsWith(to)) ?? []
    return from === undefined ? word : fileURLToPath(new URL(from + word.slice((to as string).length), ops))
  }
  const variables = Object.fromEntries(
    Object.entries(environment).map(([key, value]) => [
      key,
      value.replace(/^\$\{(\w+):\?\}$/, (_, of: keyof typeof secrets) => secrets[of]),
    ]),
  )
  // The superuser of the tests has another name and password.
  const own = variables.PGUSER === 'postgres' ? { PGUSER: new URL(url).username, PGPASSWORD: new URL(url).password } : {}
  const env = { ...variables, ...own, PGHOST: '127.0.0.1', PGPORT: String(port), PATH: `${installed}:${process.env.PATH}` }
  const [program, ...words] = command.map(moved)
  await run(program as string, words, { env })
}
