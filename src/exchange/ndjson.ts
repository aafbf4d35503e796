// A whole account as NDJSON (`application/x-ndjson`): one resource a line, with its kind. It is the only form that loses nothing.
import type { Category, Item, Kind, Profile, Row, Source, Task } from './item.ts'
import { isFault } from './item.ts'
import { decode, readLines } from './lines.ts'

/** A revision is the number of a change on one server, and means nothing elsewhere. */
type Portable<Row> = Omit<Row, 'revision'>
export type Resource =
  | ({ kind: 'profile' } & Portable<Profile>)
  | ({ kind: 'category' } & Portable<Category>)
  | ({ kind: 'task' } & Portable<Task>)

/** Three times the longest line that a task of this API has. */
const maxLineBytes = 256 * 1024
const kinds: readonly unknown[] = ['profile', 'category', 'task'] satisfies Kind[]

/** The caller chooses the order: the profile, the categories, and each task after its parent. */
export async function* writeNdjson(resources: AsyncIterable<Resource>): AsyncGenerator<string, void> {
  for await (const resource of resources) yield `${JSON.stringify(resource)}\n`
}

/**
 * The resources of a file, in its order. The caller decides what a second line with an id means, which is: the last one counts.
 * A line that has no resource is a fault, and the next line is read.
 */
export async function* readNdjson(source: Source): AsyncGenerator<Row, void> {
  for await (const line of readLines(source, maxLineBytes)) {
    if (isFault(line)) return yield line
    const text = decode(line.bytes)
    if (text?.trim() === '') continue
    const result = text === null ? fault(null, 'The line is not UTF-8.') : parse(text)
    yield 'reason' in result ? { line: line.number, ...result, lost: 'row' } : { line: line.number, item: result }
  }
}

function parse(text: string): Item | { place: string | null; reason: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return fault(null, 'The line is not valid JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fault(null, 'The line must be a JSON object.')
  const { kind, ...body } = value as Record<string, unknown>
  if (!kinds.includes(kind)) return fault('kind', 'Must be profile, category or task.')
  if (kind === 'profile' || body.id === undefined) return { kind: kind as Kind, body }
  return typeof body.id === 'string' ? { kind: kind as Kind, id: body.id, body } : fault('id', 'Must be a text.')
}

function fault(place: string | null, reason: string) {
  return { place, reason }
}
