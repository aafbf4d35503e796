// Every way to a database that a URL can name, on a real PostgreSQL with TLS, for the server and for migrations.
import { once } from 'node:events'
import { chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import postgres from 'postgres'
import { describe, expect, inject, test as withoutPlace } from 'vitest'
import { type Host, parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase } from '../../src/database/database.ts'
import { migrate } from '../../src/database/migrate.ts'
import { explain } from '../../src/database/remedies.ts'
import { openSocket } from '../../src/database/socket.ts'
import { Part, sql } from '../../src/database/sql.ts'
import { startPostgres } from '../../src/dev/postgres.ts'
import { selfSigned } from '../faults/certificate.ts'
import { needs } from '../support/checks.ts'
import { copyFiles } from '../support/cluster.ts'

type Place = { url: string; port: number; sockets: string; folder: string }

const password = 'p@s:s/w?o#r%41 é'
const hasIpv6 = Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))

const test = withoutPlace.extend<{ $file: { place: Place } }>({
  place: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern
    async ({}, use) => {
      const directory = await mkdtemp(join(tmpdir(), 'taskspec-tls-'))
      await copyFiles(inject('clusterFiles'), directory)
      const data = join(directory, 'postgres')
      const authority = selfSigned('authority')
      const server = selfSigned('localhost', authority)
      const guest = selfSigned('guest', authority)
      await write(data, 'server.crt', server.certificate)
      await write(data, 'server.key', server.key)
      await write(data, 'root.crt', authority.certificate)
      const hba = await readFile(join(data, 'pg_hba.conf'), 'utf8')
      await write(data, 'pg_hba.conf', `hostssl all guest all cert\nhostnossl all careful all reject\nhost all trusted all trust\n${hba}`)
      for (const [name, text] of Object.entries({
        ca: authority.certificate,
        other: selfSigned().certificate,
        cert: guest.certificate,
        key: guest.key,
      }))
        await writeFile(join(directory, `${name}.pem`), text)
      const settings = {
        ssl: 'on',
        ssl_ca_file: 'root.crt',
        listen_addresses: '127.0.0.1,::1',
        unix_socket_directories: data,
        fsync: 'off',
      }
      const cluster = await startPostgres({ directory, settings })
      const admin = postgres(`${cluster.url}postgres`, { max: 1 })
      for (const role of ['guest', 'careful', 'careless', 'trusted', 'a@b%41'])
        await admin.unsafe(`create role "${role}" login superuser password '${password}'`)
      await admin.unsafe('create database "n/a%41?"')
      await admin.unsafe('create database trusted')
      await admin.end()
      await use({ url: cluster.url, port: cluster.port, sockets: data, folder: directory })
      await cluster.stop('immediate')
      await rm(directory, { recursive: true, force: true })
    },
    { scope: 'file' },
  ],
})

let version = 29990101000000

describe('server and migrations connect', () => {
  const encoded = encodeURIComponent(password)
  test.for<[name: string, url: (place: Place) => string, tls: boolean]>([
    ['without sslmode', ({ port }) => `careless:${encoded}@127.0.0.1:${port}/postgres`, false],
    ['sslmode=disable', ({ port }) => `careless:${encoded}@127.0.0.1:${port}/postgres?sslmode=disable`, false],
    ['sslmode=prefer', ({ port }) => `careless:${encoded}@127.0.0.1:${port}/postgres?sslmode=prefer`, true],
    [
      "the string of Neon's console",
      ({ port }) => `careful:${encoded}@localhost:${port}/postgres?sslmode=require&channel_binding=require`,
      true,
    ],
    [
      'parameters of other tools',
      ({ port }) => `careful:${encoded}@127.0.0.1:${port}/postgres?pgbouncer=true&connection_limit=1&connect_timeout=15&ssl=true`,
      true,
    ],
    [
      'sslmode=verify-ca, by an address',
      ({ port, folder }) => `careful:${encoded}@127.0.0.1:${port}/postgres?sslmode=verify-ca&sslrootcert=${folder}/ca.pem`,
      true,
    ],
    [
      'sslmode=verify-full',
      ({ port, folder }) => `careful:${encoded}@localhost:${port}/postgres?sslmode=verify-full&sslrootcert=${folder}/ca.pem`,
      true,
    ],
    [
      'sslnegotiation=direct',
      ({ port, folder }) =>
        `careful:${encoded}@localhost:${port}/postgres?sslnegotiation=direct&sslmode=verify-full&sslrootcert=${folder}/ca.pem`,
      true,
    ],
    [
      'a client certificate instead of a password',
      ({ port, folder }) => `guest@127.0.0.1:${port}/postgres?sslmode=require&sslcert=${folder}/cert.pem&sslkey=${folder}/key.pem`,
      true,
    ],
    ['an empty password', ({ port }) => `trusted:@127.0.0.1:${port}/postgres`, false],
    [
      'a socket as parameter, with sslmode',
      ({ port, sockets }) => `careful:${encoded}@/postgres?host=${sockets}&port=${port}&sslmode=require`,
      false,
    ],
    ['a socket as host', ({ port, sockets }) => `careful:${encoded}@${encodeURIComponent(sockets)}:${port}/postgres`, false],
    ['percent signs', ({ port }) => `a%40b%2541:${encoded}@127.0.0.1:${port}/n%2Fa%2541%3F`, false],
  ])('%s', ([, url, tls], { place }) => expectConnected(place, url(place), tls))

  test('an IPv6 address', needs(hasIpv6, 'IPv6'), ({ place }) =>
    expectConnected(place, `careful:${encoded}@[::1]:${place.port}/postgres?sslmode=require`, true),
  )
})

describe('a connection is refused, with the reason and a remedy', () => {
  test.concurrent.for<[name: string, url: (place: Place) => string, code: string, remedy: RegExp]>([
    ['an unknown authority', ({ port }) => `careful:x@localhost:${port}/p?sslmode=verify-full`, 'SELF_SIGNED_CERT_IN_CHAIN', /sslrootcert/],
    [
      'another authority',
      ({ port, folder }) => `careful:x@localhost:${port}/p?sslmode=require&sslrootcert=${folder}/other.pem`,
      'SELF_SIGNED_CERT_IN_CHAIN',
      /sslrootcert/,
    ],
    [
      'another host than the certificate names',
      ({ port, folder }) => `careful:x@127.0.0.1:${port}/p?sslmode=verify-full&sslrootcert=${folder}/ca.pem`,
      'ERR_TLS_CERT_ALTNAME_INVALID',
      /verify-ca/,
    ],
    ['TLS demanded', ({ port }) => `careful:x@127.0.0.1:${port}/p`, '28000', /sslmode=require/],
    ['no client certificate', ({ port }) => `guest@127.0.0.1:${port}/p?sslmode=require`, '28000', /pg_hba/],
    ['a wrong password', ({ port }) => `careful:x@127.0.0.1:${port}/p?sslmode=require`, '28P01', /password/],
    ['no database', ({ port }) => `trusted@127.0.0.1:${port}/nothing`, '3D000', /create database/],
    ['no TLS', () => `${inject('cluster').replace('postgres://', '')}postgres?sslmode=require`, 'TLS_REFUSED', /ssl/],
    ['no host', () => 'x@nothing.invalid/p', 'ENOTFOUND', /host/],
    ['no server', () => 'x@127.0.0.1:9/p', 'ECONNREFUSED', /port/],
    ['no socket', ({ folder }) => `x@/p?host=${folder}`, 'ENOENT', /folder/],
  ])('%s', async ([, url, code, remedy], { place }) => {
    const target = parseDatabaseUrl(`postgres://${url(place)}`)
    const db = createDatabase({ url: target, poolSize: 1, timeoutFactor: 10 })
    const [reading, migrating] = await Promise.all([
      db.read('select one', sql`select 1`).catch(error => error),
      migrate(target, { quiet: true }).catch(error => error),
    ])
    await db.close()
    expect(reading).toMatchObject({ status: 503 })
    for (const each of [reading, migrating]) expect(explain(each)).toMatchObject({ code, remedy: expect.stringMatching(remedy) })
  })
})

test('variables of the environment that the driver knows change nothing', async ({ place }) => {
  const hostile = {
    PGHOST: 'nothing.invalid',
    PGPORT: '9',
    PGDATABASE: 'nothing',
    PGUSER: 'nobody',
    PGUSERNAME: 'nobody',
    PGPASSWORD: 'wrong',
    PGAPPNAME: 'else',
    PGSSL: 'require',
    PGSSLNEGOTIATION: 'direct',
    PGTARGETSESSIONATTRS: 'standby',
    PGTARGET_SESSION_ATTRS: 'standby',
    PGOPTIONS: '-c TimeZone=Asia/Tokyo',
    PGMAX_LIFETIME: '0.001',
    PGIDLE_TIMEOUT: '0.001',
    PGPREPARE: 'false',
    PGFETCH_TYPES: 'true',
  }
  Object.assign(process.env, hostile)
  try {
    await expectConnected(place, `trusted:@127.0.0.1:${place.port}`, false)
  } finally {
    for (const name of Object.keys(hostile)) delete process.env[name]
  }
})

async function expectConnected({ folder }: Place, text: string, tls: boolean) {
  const url = parseDatabaseUrl(`postgres://${text}`)
  const db = createDatabase({ url, poolSize: 1, timeoutFactor: 10 })
  const session = sql`select current_user::text as user, current_database()::text as database, ssl, application_name from pg_stat_activity
    join pg_stat_ssl using (pid) where pid = pg_backend_pid()`
  const expected = { user: url.user, database: url.database, ssl: tls, applicationName: 'taskspec' }
  expect(await db.read('select session', session)).toEqual([expected])

  // A migration that records its own session.
  const directory = await mkdtemp(join(folder, 'migrations-'))
  const table = `session_${++version}`
  await writeFile(
    join(directory, `${version}_session.sql`),
    `-- migrate:up\ncreate table ${table} as select ssl, current_setting('TimeZone') as zone from pg_stat_ssl where pid = pg_backend_pid();\n-- migrate:down\n`,
  )
  await migrate(url, { quiet: true, directory: pathToFileURL(`${directory}/`) })
  expect(await db.read('select session', new Part([`select ssl, zone from ${table}`], []))).toEqual([{ ssl: tls, zone: 'UTC' }])
  await db.close()
}

async function write(data: string, name: string, text: string) {
  const { uid, gid } = await stat(data)
  await writeFile(join(data, name), text, { mode: 0o600 })
  await chown(join(data, name), uid, gid)
}

// The driver removes its listeners when a connection closes, so that a later error would end the process.
test.for(['disable', 'require'])(
  'a write behind the end of a connection is no error of the socket, with sslmode=%s',
  async (mode, { place }) => {
    const { hosts, tls } = parseDatabaseUrl(`postgres://trusted@127.0.0.1:${place.port}/trusted?sslmode=${mode}`)
    const { ready, destroy } = openSocket(hosts[0] as Host, tls)
    const socket = await ready
    const errors: Error[] = []
    socket.on('error', error => errors.push(error))
    destroy()
    const failed = new Promise(resolve => socket.write('x', resolve))
    expect(await failed).toBeInstanceOf(Error)
    if (!socket.closed) await once(socket, 'close')
    expect(errors).toEqual([])
  },
)
