// The URL of a database, read once for everything that connects to it: server, migrations and doctor.
// Its form is that of libpq (its manual, section "Connection URIs"). A WHATWG URL can't hold it: several hosts, sockets, `%2F` in a host.
import { isIP } from 'node:net'
import { userInfo } from 'node:os'
import { judge, type Parameters } from './database-parameters.ts'
import { readTls, type Tls } from './database-tls.ts'
import type { Environment } from './environment.ts'

/** A name, an address, or the folder of a Unix socket, which begins with `/`. */
export type Host = Readonly<{ name: string; port: number }>

export type DatabaseUrl = Readonly<{
  hosts: readonly Host[]
  /** whether to use only a host that accepts writes */
  primary: boolean
  user: string
  password: string
  database: string
  applicationName: string
  /** null: no TLS */
  tls: Tls | null
  /** what of the URL has no effect, as a sentence; null: everything has */
  warning: string | null
}>

const example = 'postgres://user:password@host:5432/name'
const encodings = 'In user, password and name write @ as %40, / as %2F, ? as %3F, # as %23, : as %3A and % as %25.'
// A password with a raw @, /, ? or # would change which host is named, so these characters may stand in their own places only.
const form = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^@/?#]*))?(?:\?([^@#]*))?$/i
const maxSocketFolderBytes = 107 - '/.s.PGSQL.65535'.length // sun_path of Linux has 108 bytes with its end
const hostForm = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d*))?$/

/** null: not set. */
export function readDatabaseUrl({ text, errors }: Environment, name: string): DatabaseUrl | null {
  const value = text(name)
  try {
    return value === null ? null : parseDatabaseUrl(value, name)
  } catch (error) {
    errors.push((error as Error).message)
    return null
  }
}

/** Throws an error about `name` that quotes no value of the URL, because it contains a password. */
export function parseDatabaseUrl(url: string, name = 'The URL of the database'): DatabaseUrl {
  try {
    return parse(url)
  } catch (error) {
    throw new Error(`${name} ${(error as Error).message}`)
  }
}

/** Shows where a database is, without its user and password: `one:5432,two:5432/name`. */
export function databaseLocation({ hosts, database }: DatabaseUrl): string {
  return `${hosts.map(hostLocation).join(',')}/${database}`
}

export function hostLocation({ name, port }: Host): string {
  return `${isIP(name) === 6 ? `[${name}]` : name}:${port}`
}

function parse(url: string): DatabaseUrl {
  const [matched, credentials = '', hostList = '', path = '', query = ''] = form.exec(url) ?? []
  if (matched === undefined) throw new Error(`must be a URL like ${example}, without quotes. ${encodings}`)
  const [, user = '', password = ''] = /^([^:]*)(?::(.*))?$/s.exec(credentials) ?? []
  const parameters = readQuery(query)
  const hosts = readHosts(hostList, parameters)
  const judged = judge(parameters, hosts.length)
  const found = {
    user: once('user', decode(user), parameters) || systemUser(),
    password: once('password', decode(password), parameters),
  }
  return {
    hosts,
    ...found,
    ...judged,
    database: once('dbname', decode(path), parameters) || found.user,
    applicationName: parameters.get('application_name') || 'taskspec',
    tls: readTls(parameters),
  }
}

function readQuery(query: string): Parameters {
  const parameters = new Map<string, string>()
  for (const part of query.split('&').filter(each => each !== '')) {
    const [name, value] = part.split(/=(.*)/s, 2).map(decode)
    if (name === undefined || value === undefined) throw new Error('must not have a parameter without a value. Write & in a value as %26.')
    if ((parameters.get(name) ?? value) !== value) throw new Error(`must not have two different values for one parameter.`)
    parameters.set(name, value)
  }
  return parameters
}

function readHosts(hostList: string, parameters: Parameters): Host[] {
  const placed = hostList === '' ? [] : hostList.split(',').map(splitHost)
  // `localhost` in front of a socket is a placeholder that several clients demand.
  const isPlaceholder = placed.length === 1 && placed[0]?.name === 'localhost' && parameters.get('host')?.startsWith('/')
  const names = once('host', isPlaceholder ? '' : placed.map(({ name }) => name).join(','), parameters).split(',')
  const ports = once('port', placed.some(({ port }) => port !== '') ? placed.map(({ port }) => port).join(',') : '', parameters).split(',')
  if (names.length === 1 && names[0] === '') throw new Error(`must name the host: ${example}. PGHOST is not used.`)
  if (names.includes(''))
    throw new Error('must not have an empty host. Several hosts are written like postgres://user@one:5432,two:5432/name')
  if (ports.length !== 1 && ports.length !== names.length) throw new Error('must have one port for all hosts, or one for each.')
  return names.map((name, index) => ({ name: hostName(name), port: portNumber(ports[index] ?? (ports[0] as string)) }))
}

function splitHost(text: string): { name: string; port: string } {
  const [matched, address, name = '', port = ''] = hostForm.exec(text) ?? []
  if (matched === undefined)
    throw new Error(
      `must have hosts like name:5432 or [::1]:5432. Several hosts are written with their ports: postgres://user@one:5432,two:5432/name. ${encodings}`,
    )
  if (address !== undefined && isIP(decode(address)) !== 6) throw new Error('must have only IPv6 addresses in brackets, like [::1]:5432.')
  return { name: decode(address ?? name), port }
}

function hostName(name: string): string {
  if (/\/\.s\.PGSQL\.\d+$/.test(name)) throw new Error('must name the folder of the socket, without /.s.PGSQL and the port.')
  if (name.startsWith('/') && Buffer.byteLength(name) > maxSocketFolderBytes)
    throw new Error(`must name a shorter folder of a socket: at most ${maxSocketFolderBytes} bytes, as operating systems demand.`)
  if (isIP(name) === 0 && !/^(\/.*|[\p{L}\p{N}_.-]+)$/su.test(name))
    throw new Error('must have a host that is a name, an address, or the folder of a socket like /var/run/postgresql.')
  return name
}

function portNumber(text: string): number {
  const port = Number(text || 5432)
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error('must have a port from 1 to 65535.')
  return port
}

/** The value before the parameters, or of the parameter of that name. Two different values would let a reader take the wrong one. */
function once(name: string, placed: string, parameters: Parameters): string {
  const value = parameters.get(name) || placed
  if (placed !== '' && placed !== value)
    throw new Error(`must not have a parameter "${name}" beside another value in front of the parameters.`)
  return value
}

function decode(text: string): string {
  const decoded = decodable(text)
  // A NUL ends a value in the start-up message, so that the rest would become settings.
  if (decoded === null || decoded.includes('\0')) throw new Error(`must have only valid percent-encodings, in UTF-8. ${encodings}`)
  return decoded
}

function decodable(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** As libpq does. */
function systemUser(): string {
  try {
    return userInfo().username
  } catch {
    throw new Error(`must name the user: ${example}`)
  }
}
