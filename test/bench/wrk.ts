// Load from wrk, if it is installed. wrk takes half the CPU of autocannon, which matters because server and PostgreSQL share the machine.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Job, Replies } from './load.ts'
import { type Request, raw } from './workloads.ts'

const run = promisify(execFile)
const script = fileURLToPath(new URL('wrk.lua', import.meta.url))

/** wrk without arguments prints its usage and fails. */
export const hasWrk = () => run('wrk').then(Boolean, error => error.code !== 'ENOENT')

/** wrk has one sequence for all connections. The connections take turns in it, so that two requests of one user are far apart. */
export async function wrk({ url, requests, statuses, seconds, warmUp }: Job, readCpu: () => void): Promise<Replies> {
  for (const request of requests[0]?.slice(0, 20) ?? []) await check(url, request, statuses)
  const directory = await mkdtemp(join(tmpdir(), 'taskspec-wrk-'))
  const file = join(directory, 'requests')
  const maxLength = Math.max(...requests.map(own => own.length))
  const texts = Array.from({ length: maxLength }, (_, n) => requests.map(own => raw(own[n % own.length] as Request)))
  await writeFile(file, texts.flat().join('\0'))

  async function load(seconds: number): Promise<Replies> {
    const options = ['--threads=1', `--connections=${requests.length}`, `--duration=${Math.ceil(seconds)}s`, `--script=${script}`]
    const { stdout } = await run('wrk', [...options, url, '--', file])
    const { duration, p50, p95, p99, slowest, refused, broken, ...rest } = JSON.parse(stdout.trimEnd().split('\n').at(-1) as string)
    if (refused + broken > 0) throw new Error(`${url}: ${refused} x a status above 399, ${broken} x no reply`)
    return { ...rest, seconds: duration / 1e6, p50: p50 / 1000, p95: p95 / 1000, p99: p99 / 1000, slowest: slowest / 1000 }
  }

  try {
    if (warmUp > 0) await load(warmUp)
    readCpu()
    const replies = await load(seconds)
    readCpu()
    return replies
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** Needed because wrk reports only whether the status is above 399. */
async function check(url: string, { method, path, headers, body }: Request, statuses: number[]) {
  const { status } = await fetch(url + path, { method, headers, ...(body !== undefined && { body }) })
  if (!statuses.includes(status)) throw new Error(`${url}: status ${status}`)
}
