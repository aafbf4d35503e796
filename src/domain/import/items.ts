// From the items that a reader has found to rows that may be written: judged as the operation that puts one would judge them.
import { derivedId } from '../../contract/idempotency-key.ts'
import { invalid, Problem } from '../../contract/problem.ts'
import type { Call } from '../../contract/types.ts'
import { normalInstant } from '../days.ts'
import type { Input } from '../task.ts'
import { requireRule } from '../tasks.ts'
import type { ImportFault } from './report.ts'

type Body = Record<string, unknown>
/** `category` is the name of the task's category, or null for none; absent where the file has ids of categories. */
export type ImportItem = { kind: 'profile' | 'category' | 'task'; id?: string; category?: string | null; body: Body }
export type ImportRow = { line: number; item: ImportItem } | ImportFault

/** The fields that otherwise only the server writes, and that an import keeps. A field that the file lacks is absent. */
type Kept = { createdAt?: string; updatedAt?: string; completedAt?: string | null; nextOccurrenceId?: string | null }
type Common = { line: number; id: string; kept: Kept }
export type TaskEntry = Common & { kind: 'task'; input: Input; category: string | null | undefined; size: number; isMoved?: boolean }
export type CategoryEntry = Common & { kind: 'category'; input: Call<'putCategory'>['body'] }
export type ProfileEntry = Common & { kind: 'profile'; input: Call<'updateUser'>['body'] }
export type Entry = TaskEntry | CategoryEntry | ProfileEntry

type Caller = Pick<Call<'importAccount'>, 'owner' | 'claims' | 'operations'>

const instants = ['createdAt', 'updatedAt', 'completedAt'] as const
// The server's sort key of a task is made of its creation, and has room for these years.
const [firstMs, endMs] = [0, Date.UTC(2100)]

export function createItems({ owner, claims, operations }: Caller) {
  const copies = new Map<string, number>() // by the id of the first
  const space = { userId: 'me' }

  /** The id of an item that has none follows from its content, so that the same file changes the same items again. */
  function idFor(text: string): string {
    const ofCopy = (count: number) => derivedId(owner, 'importAccount', text, String(count))
    const first = ofCopy(0)
    const count = copies.get(first) ?? 0
    copies.set(first, count + 1)
    return count === 0 ? first : ofCopy(count)
  }

  return {
    /** Throws 422 with every error of the item. */
    judged(line: number, { kind, id, category, body }: ImportItem): Entry {
      const size = JSON.stringify(body).length
      if (kind === 'profile') {
        const { id: _, email, ...own } = body
        const { body: input } = operations.judged('updateUser', { owner, claims, path: space, body: { ...own } })
        return { kind, line, id: owner, input, kept: keptOf(body) }
      }
      const own = (id ?? idFor(`${kind}\n${category ?? ''}\n${JSON.stringify(body)}`)).toLowerCase()
      if (kind === 'category') {
        const path = { ...space, categoryId: own }
        const { body: input } = operations.judged('putCategory', { owner, claims, path, body: { ...body } })
        return { kind, line, id: own, input, kept: keptOf(body) }
      }
      const completed = body.completed ?? typeof body.completedAt === 'string'
      const path = { ...space, taskId: own }
      const { body: input } = operations.judged('putTask', { owner, claims, path, body: { ...body, completed } })
      requireRule(input)
      const [parentId, categoryId] = [lower(input.parentId), lower(input.categoryId)]
      return { kind, line, id: own, input: { ...input, parentId, categoryId }, category, kept: keptOf(body), size }
    },

    /** A category that a task names, with an id that follows from the name as it is compared. */
    named(line: number, name: string, key: string): CategoryEntry {
      const id = derivedId(owner, 'importAccount category', key)
      const { body: input } = operations.judged('putCategory', { owner, claims, path: { ...space, categoryId: id }, body: { name } })
      return { kind: 'category', line, id, input, kept: {} }
    },
  }
}

/** The reasons that a report gives for a problem: one for each place. Rethrows an error that is no problem of the row. */
export function reasonsOf(error: unknown): { place: string | null; reason: string }[] {
  if (!(error instanceof Problem) || error.status >= 500) throw error
  if (error.errors.length === 0) return [{ place: null, reason: error.message }]
  const byPlace = new Map<string | null, string>()
  for (const { pointer, location, message } of error.errors) {
    const place = location === 'path' ? 'id' : pointer.slice(1) || null
    if (!byPlace.has(place)) byPlace.set(place, message)
  }
  return [...byPlace].map(([place, reason]) => ({ place, reason }))
}

const lower = (id: string | null): string | null => id?.toLowerCase() ?? null

/** The schema has accepted the body. */
function keptOf(body: Body): Kept {
  const given = instants.filter(name => typeof body[name] === 'string')
  const kept = Object.fromEntries(given.map(name => [name, instantOf(body[name] as string)]))
  const wrong = given.filter(name => kept[name] === undefined)
  const error = {
    location: 'body',
    code: 'format',
    message: 'must be an instant in the years 1970 to 2099, of at most 9 digits after the point',
  } as const
  if (wrong.length > 0) throw invalid(...wrong.map(name => ({ pointer: `/${name}`, ...error })))
  const next = body.nextOccurrenceId as string | null | undefined
  return { ...kept, ...(next !== undefined && { nextOccurrenceId: lower(next) }) }
}

/** As a row shows it; undefined for one that rows can't have. */
function instantOf(text: string): string | undefined {
  try {
    const instant = normalInstant(text)
    const ms = Date.parse(instant)
    return ms >= firstMs && ms < endMs ? instant : undefined
  } catch (error) {
    if (error instanceof RangeError) return undefined // the schema takes more digits than Temporal
    throw error
  }
}
