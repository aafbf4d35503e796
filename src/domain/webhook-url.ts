// Where a webhook may lead. A name is looked up only when it is sent to, and its address is judged then.
import { isIP } from 'node:net'
import { type FieldError, invalid } from '../contract/problem.ts'
import { hostOf, isPublicAddress } from '../contract/public-address.ts'

type Fault = Pick<FieldError, 'code' | 'message'>

/** Throws 422 if the server does not send to this URL. */
export function requireUrl(url: string, allowsPrivate: boolean): void {
  const fault = urlFault(url, allowsPrivate)
  if (fault !== undefined) throw invalid({ pointer: '/url', location: 'body', ...fault })
}

export function urlFault(text: string, allowsPrivate: boolean): Fault | undefined {
  const url = URL.parse(text)
  if (url === null) return { code: 'format', message: 'must be a URL, such as https://example.com/hook' }
  if (url.username + url.password !== '') return { code: 'userInfo', message: 'must have no user and no password' }
  if (allowsPrivate) return undefined
  if (url.protocol !== 'https:') return { code: 'https', message: 'must begin with https:' }
  if (isPrivate(hostOf(url))) return { code: 'privateAddress', message: 'must have a name or a public address as its host' }
}

/** Only names that never leave the machine, and addresses: URL.parse writes each IPv4 address as four decimal numbers. */
const isPrivate = (host: string) => (isIP(host) === 0 ? /(^|\.)localhost\.?$/.test(host) : !isPublicAddress(host))
