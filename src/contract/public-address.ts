// The addresses that a webhook may lead to: those of the public internet, never those of this machine or of its networks.
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

// The IPv4 addresses in IPv6 of RFC 4291, section 2.5.5.1, which ipaddr.js takes for public. They are deprecated.
const compatible: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('::'), 96]

/** Whether an IPv4 or IPv6 address is public. An IPv4 address in the form of IPv6 counts as that IPv4 address. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false
  const parsed = ipaddr.process(address)
  return parsed.range() === 'unicast' && !(parsed instanceof ipaddr.IPv6 && parsed.match(compatible))
}

/** The host of a URL as `connect` and `isIP` take it: an IPv6 address without its brackets. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.+)\]$/, '$1')
