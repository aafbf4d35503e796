// The servers that are compared, each a process of its own under the same environment.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Operation } from './operations.ts'
import { type Algorithm, auth } from './people.ts'

type Target = {
  file: string
  /** what it is, for the report */
  title: string
  env?: Record<string, string>
  /** HS256 unless it says so */
  algorithm?: Algorithm
  /** all, unless it says so */
  operations?: Operation[]
  /** only when it is asked for by name */
  optional?: boolean
}

export const targets = {
  ours: { file: '../../src/main.ts', title: 'this server' },
  'ours-eddsa': { file: '../../src/main.ts', title: 'this server, EdDSA tokens', algorithm: 'EdDSA', operations: ['A', 'B'] },
  'ours-two': { file: '../../src/main.ts', title: 'this server, two workers', env: { WEB_CONCURRENCY: '2' }, optional: true },
  bare: { file: 'targets/bare.ts', title: 'node:http and postgres.js, nothing else' },
  'bare-pipelined': { file: 'targets/bare.ts', title: 'the same with unsafe pipelining', env: { MAX_PIPELINE: '100' } },
  fastify: { file: 'targets/fastify.ts', title: 'Fastify with schemas and its JWT plugin' },
  'fastify-cache': {
    file: 'targets/fastify.ts',
    title: 'Fastify that remembers tokens',
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
  /** Empties the log, so that a long run doesn't fill the disk. */
  forget: () => void
  /** Lets it end by itself. */
  stop: () => Promise<void>
}

type Settings = { databaseUrl: string; poolSize: number; jwksUrl: string; token: string; nodeOptions?: string[] }

/** Starts a target, logging to a file, and waits until it has answered a list with `token`. */
export async function start(name: TargetName, { databaseUrl, poolSize, jwksUrl, token, nodeOptions = [] }: Settings): Promise<Running> {
  const { file, env, algorithm = 'HS256' } = target(name)
  const directory = mkdtempSync(join(tmpdir(), 'taskspec-target-'))
  const log = join(directory, 'log')
  const key = algorithm === 'HS256' ? { AUTH_SECRET: auth.secret as string } : { AUTH_JWKS_URL: jwksUrl }
  const all = {
    PATH: process.env.PATH ?? '',
    NODE_ENV: 'production',
    PORT: '0',
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_SIZE: String(poolSize),
    RATE_LIMIT_PER_MINUTE: '1000000000', // counted all the same
    AUTH_ISSUER: auth.issuer as string,
    AUTH_AUDIENCE: auth.audience as string,
    ...key,
    ...env,
  }
  const output = openSync(log, 'a') // appending, so that it can be emptied meanwhile
  const began = performance.now()
  const child = spawn(process.execPath, [...nodeOptions, fileURLToPath(new URL(file, import.meta.url))], {
    env: all,
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  const ended = once(child, 'exit')
  const leave = () => {
    child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
  process.once('exit', leave)

  for (;;) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(readFileSync(log, 'utf8'))?.[0]
    const status = url === undefined ? undefined : await statusOf(`${url}/v1/users/me/tasks?limit=20`, token)
    if (url !== undefined && status === 200)
      return {
        name,
        url,
        pid: child.pid as number,
        coldStart: performance.now() - began,
        forget: () => truncateSync(log),
        async stop() {
          child.kill('SIGTERM')
          await ended
          process.off('exit', leave)
          leave()
        },
      }
    if (child.exitCode !== null || status !== undefined)
      throw new Error(`${name} does not start (${status}):\n${readFileSync(log, 'utf8')}`)
    await sleep(2)
  }
}

async function statusOf(url: string, token: string): Promise<number | undefined> {
  const [response] = (await once(get(url, { agent: false, headers: { Authorization: `Bearer ${token}` } }), 'response')) as [
    IncomingMessage,
  ]
  await response.resume().toArray()
  return response.statusCode
}
