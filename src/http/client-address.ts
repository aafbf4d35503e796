// The address that a request is counted by when it has no valid token.
import type { IncomingMessage } from 'node:http'
import ipaddr from 'ipaddr.js'
import proxyAddress from 'proxy-addr'
import type { Config } from '../config/config.ts'

/**
 * Creates the function that finds the network of a client: the last address that the trusted proxies vouch for.
 * A hop that is no address is skipped. Otherwise a client could invent names in X-Forwarded-For, each with a budget of its own.
 */
export function createClientAddress(trustProxy: Config['trustProxy']): (request: IncomingMessage) => string {
  const isTrusted = createTrust(trustProxy)
  return request => {
    const hops: (string | undefined)[] = proxyAddress.all(request, isTrusted)
    return hops.map(networkOf).findLast(network => network !== undefined) ?? 'unknown'
  }
}

function createTrust(trustProxy: Config['trustProxy']) {
  if (typeof trustProxy === 'number') return (_: string, index: number) => index < trustProxy
  const isListed = proxyAddress.compile([...trustProxy])
  return (hop: string, index: number) => isListed(withoutPort(hop), index)
}

/**
 * The IPv4 address, or the first 64 bits of an IPv6 address: one client usually has such a network to itself. An IPv4-mapped address
 * counts as IPv4. A port and a zone id are dropped. Undefined for text that is no address, and for the peer of a closed socket.
 */
export function networkOf(hop: string | undefined): string | undefined {
  const text = withoutPort(hop)
  // ipaddr.js would also read `1` and `0x7f.1` as IPv4, as inet_aton does.
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return undefined
  const address = ipaddr.process(text)
  if (address.kind() === 'ipv4') return address.toString()
  return `${(address as ipaddr.IPv6).parts
    .slice(0, 4)
    .map(part => part.toString(16))
    .join(':')}::/64`
}

/** Some proxies write the port too: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(hop: string | undefined = ''): string {
  return hop.replace(/^([\d.]+):\d+$/, '$1').replace(/^\[([^\]]*)\](?::\d+)?$/, '$1')
}
