// The addresses that a webhook may lead to: those of the public internet, never those of this machine or of its networks.
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Whether an IPv4 or IPv6 address is public. An IPv4 address in the form of IPv6 counts as that IPv4 address. */
export const isPublicAddress = (address: string): boolean => isIP(address) !== 0 && ipaddr.process(address).range() === 'unicast'

/** The host of a URL as `connect` and `isIP` take it: an IPv6 address without its brackets. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.+)\]$/, '$1')
