// HTTP_PROXY, HTTPS_PROXY, NO_PROXY: the proxy between this server and the key server.
import type { Environment } from './environment.ts'

/** By the names that Node reads. */
export type ProxyConfig = Readonly<{ HTTP_PROXY?: string; HTTPS_PROXY?: string; NO_PROXY?: string }>

/** null: no proxy. As in other programs the name in lower case comes first. */
export function readProxy({ text, url, errors }: Environment): ProxyConfig | null {
  const proxies = ['HTTP_PROXY', 'HTTPS_PROXY'].flatMap(name => {
    const set = [name.toLowerCase(), name].find(each => text(each) !== null)
    if (set === undefined) return []
    const value = url(set, ['http:', 'https:'])
    if (!hasEncodedUser(value ?? '')) errors.push(`${set} must have its user and password percent-encoded`)
    return [[name, value]]
  })
  if (proxies.length === 0) return null
  return { ...Object.fromEntries(proxies), NO_PROXY: text('no_proxy') ?? text('NO_PROXY') ?? '' }
}

function hasEncodedUser(url: string): boolean {
  const { username = '', password = '' } = URL.parse(url) ?? {}
  try {
    decodeURIComponent(`${username}:${password}`)
    return true
  } catch {
    return false
  }
}
