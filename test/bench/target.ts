// The servers under comparison. Each runs in its own process with the same environment.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { nodeEnvironment } from '../support/environment.ts'
import { leanPath } from './lean.ts'
import { type Algorithm, auth } from './users.ts'
import type { Workload } from './workloads.ts'

type Target = {
  file: string
  /** description for the report */
  title: string
  env?: Record<string, string>
  /** HS256 by default */
  algorithm?: Algorithm
  /** all by default */
  workloads?: Workload[]
  /** whether it uses the tables of lean.ts */
  lean?: boolean
  /** measured only if `--targets` names it */
  optional?: boolean
  /** whether PgBouncer is between it and the database */
  pooled?: boolean
}

export const targets = {
  ours: { file: '../../src/main.ts', title: 'this server' },
  before: { file: 'src/main.ts', title: 'the server of another checkout', optional: true },
  'ours-eddsa': { file: '../../src/main.ts', title: 'this server, EdDSA tokens', algorithm: 'EdDSA', workloads: ['list', 'get'] },
  'ours-uncached': { file: '../../src/main.ts', title: 'this server, no lists in memory', env: { LIST_CACHE_MIB: '0' }, optional: true },
  'ours-missing': {
    file: '../../src/main.ts',
    title: 'this server, memory for a fifth of the lists',
    env: { LIST_CACHE_MIB: '1' },
    optional: true,
  },
  'ours-two': { file: '../../src/main.ts', title: 'this server, two workers', env: { WEB_CONCURRENCY: '2' }, optional: true },
  'ours-unshared': {
    file: '../../src/main.ts',
    title: 'this server, set for Citus: no shared statements',
    env: { DATABASE_SHARDED: 'citus' },
    optional: true,
  },
  'ours-pooled': {
    file: '../../src/main.ts',
    title: 'this server behind PgBouncer',
    env: { DATABASE_POOLER: 'transaction' },
    optional: true,
    pooled: true,
  },
  bare: { file: 'targets/bare.ts', title: 'node:http and postgres.js only' },
  'bare-lean': {
    file: 'targets/bare.ts',
    title: 'bare on tables with two indexes, without checks',
    env: { SEARCH_PATH: leanPath },
    workloads: ['list', 'get', 'create', 'update', 'mix', 'unchanged'],
    lean: true,
  },
  'bare-pipelined': { file: 'targets/bare.ts', title: 'bare with unsafe pipelining', env: { MAX_PIPELINE: '100' } },
  fastify: { file: 'targets/fastify.ts', title: 'Fastify with schemas and its JWT plugin' },
  'fastify-cache': {
    file: 'targets/fastify.ts',
    title: 'Fastify with a token cache',
    env: { CACHE_TOKENS: '1' },
    optional: true,
  },
  'openapi-validator': { file: 'targets/openapi-validator.ts', title: 'Express with express-openapi-validator' },
} satisfies Record<string, Target>

export type TargetName = keyof typeof targets
export const target = (name: TargetName): Target => targets[name]

export type Running = {
  name: TargetName
  url: string
  pid: number
  /** milliseconds from the start of the process to its first 200 */
  coldStart: number
  /** Empties the log, so that a long run does not fill the disk. */
  truncateLog: () => void
  /** Sends SIGTERM and waits for the exit. */
  stop: () => Promise<void>
}

type Settings = {
  databaseUrl: string
  poolSize: number
  jwksUrl: string
  token: string
  nodeOptions?: string[]
  env?: Record<string, string>
  /** the folder of the other checkout, with its packages installed */
  before?: string | undefined
}

const cleanUps = new Set<() => void>()
process.once('exit', () => {
  for (const cleanUp of cleanUps) cleanUp()
})

/** Starts a target that logs to a file, and waits until it has answered a list with `token`. */
export async function start(name: TargetName, settings: Settings): Promise<Running> {
  const { databaseUrl, poolSize, jwksUrl, token, nodeOptions = [], before = '' } = settings
  const { file, env, algorithm = 'HS256' } = target(name)
  const directory = mkdtempSync(join(tmpdir(), 'taskspec-target-'))
  const log = join(directory, 'log')
  const key = algorithm === 'HS256' ? { AUTH_SECRET: auth.secret as string } : { AUTH_JWKS_URL: jwksUrl }
  const environment = {
    ...nodeEnvironment,
    NODE_ENV: 'production',
    PORT: '0',
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_SIZE: String(poolSize),
    RATE_LIMIT_PER_MINUTE: '1000000000', // high, so that requests are counted but never refused
    AUTH_ISSUER: auth.issuers.join(),
    AUTH_AUDIENCE: auth.audiences.join(),
    ...key,
    ...env,
    ...settings.env,
  }
  const output = openSync(log, 'a') // append mode, so that the file can be truncated meanwhile
  const began = performance.now()
  const command = commandOf(name === 'before' ? resolve(before, file) : fileURLToPath(new URL(file, import.meta.url)))
  const child = spawn(process.execPath, [...nodeOptions, ...command.words], {
    cwd: command.folder,
    env: environment,
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  const ended = once(child, 'exit')
  const cleanUp = () => {
    child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
  cleanUps.add(cleanUp)

  for (;;) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(readFileSync(log, 'utf8'))?.[0]
    const status = url === undefined ? undefined : await statusOf(`${url}/v1/users/me/tasks?limit=20`, token)
    if (url !== undefined && status === 200)
      return {
        name,
        url,
        pid: child.pid as number,
        coldStart: performance.now() - began,
        truncateLog: () => truncateSync(log),
        async stop() {
          child.kill('SIGTERM')
          await ended
          cleanUps.delete(cleanUp)
          cleanUp()
        },
      }
    if (child.exitCode !== null || status !== undefined) throw new Error(`${name} did not start (${status}):\n${readFileSync(log, 'utf8')}`)
    await sleep(2)
  }
}

/** This server starts as `npm start` starts it. */
function commandOf(file: string): { folder?: string; words: string[] } {
  if (!file.endsWith('src/main.ts')) return { words: [file] }
  const folder = join(file, '../..')
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return { folder, words: scripts.start.split(' ').slice(1) }
}

async function statusOf(url: string, token: string): Promise<number | undefined> {
  const [response] = (await once(get(url, { agent: false, headers: { Authorization: `Bearer ${token}` } }), 'response')) as [
    IncomingMessage,
  ]
  await response.resume().toArray()
  return response.statusCode
}
