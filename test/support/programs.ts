// Programs that npm does not have. If the machine lacks one and CI is set, apt downloads it from Debian's mirror, once, without root, into
// a folder of this project. If that fails, the tests that need it are skipped, and the end of the run says so.
import { execFile } from 'node:child_process'
import { access, constants, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'

const run = promisify(execFile)
const names = ['pgbouncer', 'haproxy'] as const
/** The need of the tests of these programs, for the end of the run. */
export const poolerAndProxy = 'PgBouncer and HAProxy, installed, or downloaded by CI=true npm test on Debian'
/** `env` locates its libraries. */
export type Program = { path: string; env: Record<string, string> }
export type Programs = Record<(typeof names)[number], Program | null>

declare module 'vitest' {
  interface ProvidedContext {
    programs: Programs
  }
}

const downloadTimeoutMs = 30_000
const directory = fileURLToPath(new URL('../../.artifacts/programs/', import.meta.url))
const downloaded = join(directory, 'root')
const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin']

export default async function setup(project: TestProject) {
  const installed = await Promise.all(names.map(find))
  if (installed.includes(null) && process.env.CI !== undefined)
    await download().catch(error => console.log(`Downloading ${names.join(' and ')} failed: ${reason(error)}`))
  const programs = Object.fromEntries(await Promise.all(names.map(async name => [name, await find(name)]))) as Programs
  project.provide('programs', programs)
}

/** The program, if the machine has it or CI has downloaded it. */
export async function find(name: string): Promise<Program | null> {
  for (const folder of folders) if (await runs(join(folder, name))) return { path: join(folder, name), env: {} }
  const libraries = await readdir(join(downloaded, 'usr/lib')).catch(() => [])
  const env = { LD_LIBRARY_PATH: libraries.map(each => join(downloaded, 'usr/lib', each)).join(delimiter) }
  for (const folder of ['usr/sbin', 'usr/bin'])
    if (await runs(join(downloaded, folder, name))) return { path: join(downloaded, folder, name), env }
  return null
}

const runs = (path: string) =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )

/** apt works out which packages and libraries are missing. A fresh machine has no package lists, so apt gets its own. */
async function download() {
  const state = join(directory, 'state')
  const cache = join(directory, 'cache')
  const unpacked = join(directory, 'unpacked')
  await rm(directory, { recursive: true, force: true })
  for (const folder of [join(state, 'lists/partial'), join(cache, 'archives/partial'), unpacked]) await mkdir(folder, { recursive: true })
  const settings = {
    'Dir::State': state,
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': cache,
    'Debug::NoLocking': 'true',
    'APT::Sandbox::User': 'root', // only this user may write to the folder
    'Acquire::Retries': '0',
    'Acquire::http::Timeout': '5',
    'Acquire::https::Timeout': '5',
  }
  const apt = (...words: string[]) =>
    run('apt-get', [...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]), ...words], {
      timeout: downloadTimeoutMs,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  await apt('update')
  await apt('install', '--yes', '--no-install-recommends', '--download-only', ...names)
  for (const file of await readdir(join(cache, 'archives')))
    if (file.endsWith('.deb')) await run('dpkg-deb', ['--extract', join(cache, 'archives', file), unpacked])
  await rename(unpacked, downloaded)
  for (const folder of [state, cache]) await rm(folder, { recursive: true })
}

function reason(error: { code?: unknown; stderr?: string; message: string }) {
  if (error.code === 'ENOENT') return 'this machine has no apt'
  return (error.stderr ?? '').trim().split('\n')[0] || error.message.split('\n')[0]
}
