// The request header Prefer (RFC 7240, section 2).

const word = String.raw`"(?:[^"\\]|\\.)*"` // a quoted string
const preference = new RegExp(
  String.raw`\s*([\w!#$%&'*+.^|~\x60-]+)(?:\s*=\s*(${word}|[^\s,;"]+))?\s*(?:;(?:${word}|[^,"])*)?(?:,|$)|[^,]*,`,
  'gy',
)

/** The preferences by name in lower case. The first of a name counts; parameters, and what has another syntax, are ignored. */
export function parsePreferences(header: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const [, name, value = ''] of header.matchAll(preference)) {
    const key = name?.toLowerCase()
    if (key !== undefined && !found.has(key)) found.set(key, unquoted(value))
  }
  return found
}

const unquoted = (value: string) => (value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value)
