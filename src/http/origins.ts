// The origins of web pages that may read the replies, as options of the cors library.
import type { CorsOptions } from 'cors'

const localhost = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

/** Null for every origin on localhost; `*` alone for every origin. Browsers refuse credentials from `*`. The server reads no cookies. */
export function allowedOrigins(origins: readonly string[] | null): CorsOptions {
  if (origins?.[0] === '*') return { origin: '*' }
  const origin = origins === null ? localhost : origins.map(each => (each.includes('://*.') ? subdomains(each) : each))
  return { origin, credentials: true }
}

/** https://*.example.com: one or more labels before the domain, the same scheme and port. */
function subdomains(pattern: string): RegExp {
  const [scheme, domain] = pattern.split('*.') as [string, string]
  return new RegExp(`^${escaped(scheme)}([\\w-]+\\.)+${escaped(domain)}$`)
}

const escaped = (text: string) => text.replaceAll(/[^\w/-]/g, '\\$&')
