// CORS_ORIGINS: which web pages may read the replies. A browser sends the origin of a page in one spelling, and an entry in another
// spelling would match no page. So it is refused, with the spelling that browsers use.
import type { Environment } from './environment.ts'

export const anyOrigin = '*'

/** null: not set. */
export function readOrigins({ list, errors }: Environment, name: string): readonly string[] | null {
  const entries = list(name)
  if (entries === null) return null
  for (const entry of entries) {
    const fault = entry === anyOrigin ? loneFault(entries) : originFault(entry)
    if (fault !== undefined) errors.push(`${name} must list origins like https://app.example.com, separated by commas: ${fault}`)
  }
  return entries
}

const loneFault = ({ length }: string[]) => (length === 1 ? undefined : '"*" allows every origin, so it must be the only one')

/** Why no page has this origin; undefined if one may have it. */
function originFault(entry: string): string | undefined {
  if (entry === 'null') return '"null" is no origin: every sandboxed frame sends it. Give the page an origin, or allow all with *'
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(entry)) return `"${entry}" has no scheme. For example, write https://app.example.com`
  const url = URL.parse(entry)
  if (url === null || (url.host === '' && url.protocol !== 'file:')) return `"${withoutUser(entry)}" is no origin`
  if (/^(wss?|ftp):$/.test(url.protocol)) return `"${withoutUser(entry)}" is no origin: the scheme of a page is https or http`
  const spelling = `${url.protocol}//${url.host}`
  // https://*.example.com: `*` stands for one or more labels.
  if (spelling.replace('://*.', '://').includes('*'))
    return `"${withoutUser(entry)}" must have its * directly before a domain: https://*.example.com`
  if (spelling !== entry) return `"${withoutUser(entry)}" is no origin. Browsers send "${spelling}"`
}

/** A user and a password in the entry are secrets. */
const withoutUser = (entry: string) => entry.replace(/\/\/.*@/, '//…@')
