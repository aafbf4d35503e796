// Programs that npm doesn't have. Where the machine lacks one, CI takes it from Debian's mirror by apt itself: without root, into a
// folder of this project, once. Where that can't be, the tests that need it are skipped, and a line says so.
import { execFile } from 'node:child_process'
import { access, constants, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'

const run = promisify(execFile)
const names = ['pgbouncer', 'haproxy'] as const
/** `env` says where its libraries are. */
export type Program = { path: string; env: Record<string, string> }
export type Programs = Record<(typeof names)[number], Program | null>

declare module 'vitest' {
  interface ProvidedContext {
    programs: Programs
  }
}

const patience = 30_000 // ms for the mirror: longer than it takes, and shorter than anybody minds
const directory = fileURLToPath(new URL('../../.artifacts/programs/', import.meta.url))
const fetched = join(directory, 'root')
const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin']

export default async function setup(project: TestProject) {
  const here = await Promise.all(names.map(find))
  if (here.includes(null) && process.env.CI !== undefined)
    await fetchMissing().catch(error => console.log(`The mirror gave nothing: ${reason(error)}`))
  const programs = Object.fromEntries(await Promise.all(names.map(async name => [name, await find(name)]))) as Programs
  for (const name of names)
    if (programs[name] === null) console.log(`There is no ${name} here: its tests are skipped. Install it, or set CI on a Debian.`)
  project.provide('programs', programs)
}

async function find(name: string): Promise<Program | null> {
  for (const folder of folders) if (await runs(join(folder, name))) return { path: join(folder, name), env: {} }
  const libraries = await readdir(join(fetched, 'usr/lib')).catch(() => [])
  const env = { LD_LIBRARY_PATH: libraries.map(each => join(fetched, 'usr/lib', each)).join(delimiter) }
  for (const folder of ['usr/sbin', 'usr/bin'])
    if (await runs(join(fetched, folder, name))) return { path: join(fetched, folder, name), env }
  return null
}

const runs = (path: string) =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )

/** apt itself works out what the machine lacks, libraries too; the lists that it needs for it a fresh machine has not. */
async function fetchMissing() {
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
    'APT::Sandbox::User': 'root', // the folder is ours alone
    'Acquire::Retries': '0',
    'Acquire::http::Timeout': '5',
    'Acquire::https::Timeout': '5',
  }
  const apt = (...words: string[]) =>
    run('apt-get', [...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]), ...words], {
      timeout: patience,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  await apt('update')
  await apt('install', '--yes', '--no-install-recommends', '--download-only', ...names)
  for (const file of await readdir(join(cache, 'archives')))
    if (file.endsWith('.deb')) await run('dpkg-deb', ['--extract', join(cache, 'archives', file), unpacked])
  await rename(unpacked, fetched)
  for (const folder of [state, cache]) await rm(folder, { recursive: true })
}

function reason(error: { code?: unknown; stderr?: string; message: string }) {
  if (error.code === 'ENOENT') return 'this machine has no apt.'
  return (error.stderr ?? '').trim().split('\n')[0] || error.message.split('\n')[0]
}
