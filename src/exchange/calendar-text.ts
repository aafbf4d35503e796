// Content lines of iCalendar (RFC 5545, section 3.1). They are written by hand: ical.js folds at 76 bytes and leaves control characters in.

/** A property without parameters whose value is in its own form already. */
export function line(name: string, value: string): string {
  return fold(`${name}:${value}`)
}

/** A property whose value is a text, a comma between several. None for null, and for a text of which nothing is kept. */
export function textLine(name: string, ...texts: (string | null)[]): string {
  const values = texts.flatMap(text => (text === null ? [] : escapeText(text))).filter(value => value !== '')
  return values.length === 0 ? '' : line(name, values.join(','))
}

/** The text as this form keeps it: line ends become a line feed, and control characters other than the tab are left out. */
export function plainText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are the subject
  return text.replace(/\r\n?/g, '\n').replace(/[\0-\x08\x0b-\x1f\x7f]/g, '')
}

function escapeText(text: string): string {
  return plainText(text)
    .replace(/[\\;,]/g, '\\$&')
    .replaceAll('\n', '\\n')
}

const maxLineBytes = 75

/** A content line. Characters stay whole, although the RFC allows to cut between their bytes. */
export function fold(text: string): string {
  if (Buffer.byteLength(text) <= maxLineBytes) return `${text}\r\n`
  let folded = ''
  let size = 0
  for (const character of text) {
    const bytes = Buffer.byteLength(character)
    if (size + bytes > maxLineBytes) {
      folded += '\r\n '
      size = 1
    }
    folded += character
    size += bytes
  }
  return `${folded}\r\n`
}
