// The query of a URL as typed values.
import { Problem } from '../contract/problem.ts'

/** The parameters by name. `types` has the JSON type of each that the operation knows. Throws 400 unless the query is percent-encoded UTF-8. */
export function parseQuery(text: string, types: ReadonlyMap<string, string | undefined>): Record<string, unknown> {
  const query: Record<string, unknown> = Object.create(null) // `__proto__` is a name like any other
  if (text === '') return query
  if (text.includes('%')) requireUtf8(text) // URLSearchParams would replace other bytes by U+FFFD
  const texts: Record<string, string[]> = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) {
    const earlier = texts[name]
    if (earlier === undefined) texts[name] = [value]
    else earlier.push(value)
  }
  for (const name in texts) query[name] = typed(types.get(name), texts[name] as string[])
  return query
}

function requireUtf8(text: string): void {
  try {
    decodeURIComponent(text)
  } catch (cause) {
    throw new Problem('malformed-request', { detail: 'The query must be percent-encoded UTF-8. Write % as %25.', cause })
  }
}

/** The value of a parameter that was sent once or several times. A text that is not written as in JSON stays a text, and the schema refuses it. */
function typed(type: string | undefined, texts: string[]): unknown {
  const [text = ''] = texts
  if (type === 'array' || texts.length > 1) return texts
  if (type === 'integer' && /^-?(0|[1-9]\d{0,14})$/.test(text)) return Number(text)
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true'
  return text
}
