// The services of src/ops/compose.yaml as processes of this machine: the same settings, the same files, other addresses.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { expect, inject } from 'vitest'
import { parse } from 'yaml'
import { freePort } from '../../src/dev/free-port.ts'
import type { Postgres } from '../../src/dev/postgres.ts'
import { test as base } from '../faults/cluster.ts'
import { eventually } from '../support/clock.ts'
import { nodeEnvironment } from '../support/environment.ts'
import { type Pooler, startPooler } from '../support/pooler.ts'
import type { Program } from '../support/programs.ts'
import { auth } from '../support/taskspec.ts'

type Service = { environment?: Record<string, string>; command?: string[]; healthcheck?: { test: string[] } }
export type Compose = { services: Record<string, Service> }
export type Part = { kill: () => Promise<void>; start: () => Promise<void>; restart: () => Promise<void> }
export type Topology = {
  /** of the proxy */
  url: string
  /** of each replica */
  metrics: string[]
  /** as the owner of the schema, past the pooler */
  databaseUrl: string
  /** of the first replica */
  environment: Record<string, string>
  /** by the names of their services */
  parts: Record<string, Part>
}

const root = new URL('../../', import.meta.url)
const here = (path: string) => fileURLToPath(new URL(path, root))
const ops = (file: string) => readFile(new URL(`src/ops/${file}`, root), 'utf8')

export const secrets = {
  OWNER_PASSWORD: 'owner-of-this-test',
  SERVER_PASSWORD: 'server-of-this-test',
  POSTGRES_PASSWORD: 'superuser-of-this-test',
  AUTH_SECRET: auth.secret as string,
  AUTH_ISSUER: auth.issuers.join(),
  AUTH_AUDIENCE: auth.audiences.join(),
}

/** The file with the variables of `.env` in their places, as Compose puts them. */
export async function compose(env: Record<string, string> = secrets): Promise<Compose> {
  return filled(parse(await ops('compose.yaml'), { merge: true }), env) as Compose
}

function filled(value: unknown, env: Record<string, string>): unknown {
  if (Array.isArray(value)) return value.map(each => filled(each, env))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filled(each, env)]))
  if (typeof value !== 'string') return value
  return value.replaceAll(/\$\$|\$\{(\w+)(:?[-?])([^}]*)\}/g, (escaped, name, how, otherwise) => {
    if (name === undefined) return escaped.slice(1)
    const found = env[name] ?? (how.endsWith('-') ? otherwise : undefined)
    if (found === undefined) throw new Error(`${name} is not set`)
    return found
  })
}

/** `topology`: one for the file, on a cluster of its own. */
export const test = base.extend<{ $file: { topology: Topology } }>({
  topology: [
    async ({ cluster }, use) => {
      const ends: (() => void | Promise<void>)[] = []
      await use(await startTopology(cluster, end => void ends.push(end)))
      for (const end of ends) await end()
    },
    { scope: 'file' },
  ],
})

async function startTopology(cluster: Postgres, atEnd: (end: () => void | Promise<void>) => void): Promise<Topology> {
  const { services } = await compose()
  const superuser = postgres(`${cluster.url}postgres`, { max: 1 })
  const owner = (await ops('owner.sql')).replace(/^\\.*$/m, '').replace(":'password'", `'${secrets.OWNER_PASSWORD}'`)
  for (const statement of owner.split(';').slice(0, -1)) await superuser.unsafe(statement)
  await superuser.end()

  const database = `127.0.0.1:${cluster.port}`
  const server = `postgres://taskspec_server:${secrets.SERVER_PASSWORD}@${database}/taskspec`
  const migrate = await settings('migrate', { 'database:5432': database })
  await ended(spawn(process.execPath, command('migrate'), { cwd: here(''), env: migrate, stdio: 'ignore' }))
  const sql = postgres(migrate.MIGRATION_DATABASE_URL as string, { max: 1, onnotice: () => {} })
  await sql.unsafe(await readFile(new URL('db/roles.sql', root), 'utf8'))
  await sql.unsafe(`alter role taskspec_server password '${secrets.SERVER_PASSWORD}'`)
  await sql.end()

  const pooler = await startPooler(server, atEnd)
  const replicas = await Promise.all(['server-1', 'server-2'].map(name => replica(name, new URL(pooler.url).host)))
  const listen = `127.0.0.1:${await freePort()}`
  const addresses = { LISTEN: listen, REPLICA_1: replicas[0]?.address as string, REPLICA_2: replicas[1]?.address as string }
  expect(Object.keys(addresses)).toEqual(Object.keys(services.proxy?.environment ?? {}))
  const proxy = program(() => {
    const { path, env } = inject('programs').haproxy as Program
    return spawn(path, ['-f', here('src/ops/haproxy.cfg')], {
      env: { ...process.env, ...env, ...addresses },
      stdio: 'ignore',
    })
  }, `http://${listen}/livez`)
  await proxy.start()

  return {
    url: `http://${listen}`,
    metrics: replicas.map(({ metrics }) => metrics),
    databaseUrl: migrate.MIGRATION_DATABASE_URL as string,
    environment: replicas[0]?.env ?? {},
    parts: {
      'server-1': replicas[0]?.part as Part,
      'server-2': replicas[1]?.part as Part,
      pooler: partOf(pooler),
      database: {
        kill: () => cluster.stop('immediate'),
        start: cluster.start,
        async restart() {
          await cluster.stop()
          await cluster.start()
        },
      },
      proxy,
    },
  }

  /** The environment of a service in Compose, with other addresses. */
  async function settings(name: string, addresses: Record<string, string>): Promise<Record<string, string>> {
    const moved = (value: string) => Object.entries(addresses).reduce((text, [from, to]) => text.replace(from, to), value)
    const variables = Object.entries(services[name]?.environment ?? {}).map(([key, value]) => [key, moved(value)])
    return { ...nodeEnvironment, ...Object.fromEntries(variables) }
  }

  function command(name: string): string[] {
    const [first, ...words] = services[name]?.command ?? ['node', '--max-semi-space-size=16', 'src/main.ts']
    expect(first).toBe('node')
    return words
  }

  async function replica(name: string, poolerHost: string) {
    const [port, metricsPort] = [await freePort(), await freePort()]
    const variables = await settings(name, { 'pooler:6432': poolerHost })
    const env = {
      ...variables,
      HOST: '127.0.0.1',
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      RATE_LIMIT_PER_MINUTE: '1000000',
    }
    const part = program(
      () => spawn(process.execPath, command(name), { cwd: here(''), env, stdio: 'ignore' }),
      `http://127.0.0.1:${port}/readyz`,
    )
    await part.start()
    return { part, env, address: `127.0.0.1:${port}`, metrics: `http://127.0.0.1:${metricsPort}/metrics` }
  }

  /** A process that is started, killed and started again, and that is up when `probe` says 200. */
  function program(launch: () => ChildProcess, probe: string): Part {
    let child: ChildProcess | undefined
    atEnd(() => void child?.kill('SIGKILL'))
    async function start() {
      child = launch()
      await eventually(async () => expect((await fetch(probe)).status).toBe(200))
    }
    async function end(signal: NodeJS.Signals) {
      const gone = once(child as ChildProcess, 'exit')
      child?.kill(signal)
      await gone
    }
    return {
      start,
      kill: () => end('SIGKILL'),
      async restart() {
        await end('SIGTERM')
        await start()
      },
    }
  }
}

function partOf({ kill, again }: Pooler): Part {
  return {
    kill,
    start: again,
    async restart() {
      await kill('SIGTERM')
      await again()
    },
  }
}

async function ended(child: ChildProcess) {
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
}
