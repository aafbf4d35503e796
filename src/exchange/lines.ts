// The lines of a file, whatever the pieces in which it arrives. At most one line is in memory.
import type { Fault, Source } from './item.ts'

/** A line with its number, from 1, without the characters that end it. */
export type Line = { number: number; bytes: Buffer; end: '\r\n' | '\n' | '' }

const newline = 0x0a
const carriageReturn = 0x0d
const byteOrderMark = Buffer.from('\ufeff')

/** The lines, without a byte order mark. A line that is too long is a fault and ends the file, so its rest is never asked for. */
export async function* readLines(source: Source, maxBytes: number): AsyncGenerator<Line | Fault, void> {
  let number = 1
  let pieces: Buffer[] = []
  let size = 0
  for await (const chunk of source) {
    let rest = bufferOf(chunk)
    while (rest.length > 0) {
      const end = rest.indexOf(newline)
      const piece = end === -1 ? rest : rest.subarray(0, end)
      pieces.push(piece)
      size += piece.length
      if (size > maxBytes) return yield { line: number, place: null, reason: `The line has more than ${maxBytes} bytes.`, lost: 'rest' }
      if (end === -1) break
      yield lineOf(number, pieces, '\n')
      number++
      pieces = []
      size = 0
      rest = rest.subarray(end + 1)
    }
  }
  if (size > 0) yield lineOf(number, pieces, '')
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text, or null if the bytes are not UTF-8. */
export function decode(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}

function bufferOf(chunk: Uint8Array | string): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

function lineOf(number: number, pieces: Buffer[], end: '\n' | ''): Line {
  const whole = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
  const bytes = number === 1 && whole.subarray(0, 3).equals(byteOrderMark) ? whole.subarray(3) : whole
  if (end === '' || bytes.at(-1) !== carriageReturn) return { number, bytes, end }
  return { number, bytes: bytes.subarray(0, -1), end: '\r\n' }
}
