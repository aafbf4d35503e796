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
 * The IPv4 address, or the first 64 bits of an IPv6 address: one client usually has such a network to itself, and can use every address in
 * it. An IPv6 address that stands for an IPv4 address counts as that one. A port and a zone id are dropped. Undefined for text that is
 * no address, and for the peer of a closed socket.
 */
export function networkOf(hop: string | undefined): string | undefined {
  const text = withoutPort(hop)
  // ipaddr.js would also read `1` and `0x7f.1` as IPv4, as inet_aton does.
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return undefined
  const address = ipaddr.process(text) // reads ::ffff:192.0.2.1 as IPv4
  if (address instanceof ipaddr.IPv4) return address.toString()
  // Behind a translator (NAT64, SIIT) all IPv4 clients have the same first 96 bits.
  if (translated.includes(address.range())) return new ipaddr.IPv4(address.toByteArray().slice(-4)).toString()
  const network = address.parts.slice(0, 4).map(part => part.toString(16))
  return `${network.join(':')}::/64`
}

const translated = ['rfc6052', 'rfc6145'] // 64:ff9b::/96 and 64:ff9b:1::/48; ::ffff:0:0:0/96

/**
 * Some proxies write the port too, or quote as in Forwarded (RFC 7239): `192.0.2.1:4711`, `[2001:db8::1]:4711`, `"[2001:db8::1]"`.
 * Without brackets only a port of five digits can be told from a group; a shorter one does not change the network.
 */
function withoutPort(hop: string | undefined = ''): string {
  const text = hop.trim().replace(/^"(.*)"$/, '$1')
  return text
    .replace(/^([\d.]+):\w+$/, '$1')
    .replace(/^\[([^\]]*)\](?::\w+)?$/, '$1')
    .replace(/^([\da-f:]*:[\da-f:]*):\d{5}$/i, '$1')
}
