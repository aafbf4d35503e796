// The VTODO components of an iCalendar file, one after the other. Bounds on each keep a hostile file cheap: once one is exceeded, the rest of
// the file is not asked for. All other components are passed over.
import { type Fault, isFault, type Source } from './item.ts'
import { decode, readLines } from './lines.ts'

/** A content line, unfolded and not parsed. `text` is null if it is not UTF-8. */
export type ContentLine = { line: number; text: string | null }
/** `lines` are those of the VTODO itself. */
export type Component = { line: number; lines: ContentLine[]; alarms: ContentLine[][] }

/** A task of this API has at most about 55 KiB: 10,000 characters of four bytes, folded, and its labels. */
const maxComponentBytes = 64 * 1024
const maxLines = 1000
const maxAlarms = 100
const maxDepth = 3

export async function* readComponents(source: Source): AsyncGenerator<Component | Fault, void> {
  let open: Open | undefined
  let isCalendar = false
  for await (const content of unfold(source)) {
    if (isFault(content)) return yield content
    const [, keyword, name] = /^(BEGIN|END):([\w-]+)\s*$/.exec(content.bytes.toString('latin1', 0, 60).toUpperCase()) ?? []
    if (!isCalendar && keyword !== 'BEGIN') return yield lost(content.line, null, 'The file must begin with BEGIN:VCALENDAR.', 'rest')
    isCalendar = true
    if (open === undefined) {
      if (keyword === 'BEGIN' && name === 'VTODO') open = begin(content.line)
      continue
    }
    open.bytes += content.size
    open.count++
    const { component } = open
    if (keyword === 'END' && (name === 'VTODO' || name === 'VCALENDAR')) {
      yield open.inner.length === 0 && name === 'VTODO' ? component : lost(component.line, 'VTODO', 'A component in it has no END.', 'row')
      open = undefined
    } else if (keyword === 'BEGIN' && name === 'VTODO') {
      yield lost(component.line, 'VTODO', 'BEGIN:VTODO has no END:VTODO.', 'row')
      open = begin(content.line)
    } else add(open, content, keyword, name)
    const excess = open === undefined ? null : excessOf(open)
    if (excess !== null) return yield lost(component.line, 'VTODO', excess, 'rest')
  }
  if (!isCalendar) yield lost(1, null, 'The file must begin with BEGIN:VCALENDAR.', 'rest')
  if (open !== undefined) yield lost(open.component.line, 'VTODO', 'BEGIN:VTODO has no END:VTODO.', 'rest')
}

/** A component without its end. `inner` are the names of the components in it that are open. */
type Open = { component: Component; inner: string[]; bytes: number; count: number }
/** `size` is what the line takes in the file. */
type Bytes = { line: number; bytes: Buffer; size: number }

function begin(line: number): Open {
  return { component: { line, lines: [], alarms: [] }, inner: [], bytes: 0, count: 0 }
}

/** An END that is not of the last BEGIN is left alone, so the component still has an open one at its end. */
function add({ component, inner }: Open, { line, bytes }: Bytes, keyword?: string, name?: string): void {
  const { lines, alarms } = component
  if (keyword === 'BEGIN') {
    inner.push(name as string)
    if (inner.length === 1 && name === 'VALARM') alarms.push([])
  } else if (keyword === 'END') {
    if (inner.at(-1) === name) inner.pop()
  } else if (inner.length === 0) lines.push({ line, text: decode(bytes) })
  else if (inner.length === 1 && inner[0] === 'VALARM') alarms.at(-1)?.push({ line, text: decode(bytes) })
}

function excessOf({ component, inner, bytes, count }: Open): string | null {
  if (bytes > maxComponentBytes) return `It has more than ${maxComponentBytes} bytes.`
  if (count > maxLines) return `It has more than ${maxLines} properties.`
  if (component.alarms.length > maxAlarms) return `It has more than ${maxAlarms} alarms.`
  return inner.length > maxDepth ? `It has more than ${maxDepth} components within each other.` : null
}

const folding = [0x20, 0x09, undefined] // a line that begins with a space or a tab continues the one before

/** Content lines in bytes, because a fold may cut a character. An empty line is taken for a fold. */
async function* unfold(source: Source): AsyncGenerator<Bytes | Fault, void> {
  let content: { line: number; pieces: Buffer[]; size: number } | undefined
  for await (const line of readLines(source, maxComponentBytes)) {
    if (isFault(line)) return yield line
    if (content !== undefined && !folding.includes(line.bytes[0])) yield whole(content)
    if (content === undefined || !folding.includes(line.bytes[0])) content = { line: line.number, pieces: [line.bytes], size: 0 }
    else content.pieces.push(line.bytes.subarray(1))
    content.size += line.bytes.length + line.end.length
    if (content.size > maxComponentBytes)
      return yield lost(content.line, null, `The property has more than ${maxComponentBytes} bytes.`, 'rest')
  }
  if (content !== undefined) yield whole(content)
}

function whole({ line, pieces, size }: { line: number; pieces: Buffer[]; size: number }): Bytes {
  return { line, bytes: Buffer.concat(pieces), size }
}

function lost(line: number, place: string | null, reason: string, lost: 'row' | 'rest'): Fault {
  return { line, place, reason, lost }
}
