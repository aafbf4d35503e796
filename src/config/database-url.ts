// A database URL can name several hosts, of which one accepts writes: postgres://user@one:5432,two:5432/name.
// libpq knows that form (its manual, section "Connection Strings"). A WHATWG URL has one host only, so this file splits it.
import type { Environment } from './environment.ts'

export type Hosts = {
  /** one URL for each host */
  urls: string[]
  /** whether to use only a host that accepts writes */
  primary: boolean
}

const attribute = 'target_session_attrs'

/** null: not set. */
export function readDatabaseUrl({ text, errors }: Environment, name: string): string | null {
  const value = text(name)
  try {
    if (value !== null) hosts(value, name)
  } catch (error) {
    errors.push((error as Error).message)
  }
  return value
}

/** Splits the URL by host. Throws an error about `name` that quotes nothing of the URL, because it contains a password. */
export function hosts(url: string, name = 'The URL of the database'): Hosts {
  const [, start = '', names = '', end = ''] = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/i.exec(url) ?? []
  const parts = names.split(',')
  const urls = parts.map(each => `${start}${each}${end}`)
  if (!urls.every(each => URL.canParse(each)) || (parts.length > 1 && parts.includes('')))
    throw new Error(
      `${name} must be a URL that starts with postgres:// or postgresql://. Several hosts are written with their ports: postgres://user@one:5432,two:5432/name`,
    )
  const target = new URL(urls[0] as string).searchParams.get(attribute)
  if (target !== null && target !== 'read-write' && target !== 'primary')
    throw new Error(
      `${name} must have ${attribute}=read-write, ${attribute}=primary or no ${attribute}: every statement goes to the primary`,
    )
  return { urls: target === null ? urls : urls.map(each => without(each, [attribute])), primary: parts.length > 1 || target !== null }
}

/** The URL without the parameters that only libpq knows. The driver would send them to the server, which refuses them. */
export function driverUrl(url: string): string {
  return without(url, ['channel_binding', 'connect_timeout', 'gssencmode', 'sslcert', 'sslkey'])
}

/** Shows where a database is, without its user and password: `one:5432,two:5432/name`. */
export function databaseLocation(url: string): string {
  const { urls } = hosts(url)
  return urls.map(each => new URL(each).host).join(',') + new URL(urls[0] as string).pathname
}

function without(text: string, parameters: string[]): string {
  const url = new URL(text)
  for (const each of parameters) url.searchParams.delete(each)
  return url.href
}
