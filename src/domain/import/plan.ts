// Decides for each task of a group of an import where it is to be, and whether it differs from the one that is there. Has no SQL.
import { isDeepStrictEqual } from 'node:util'
import { Problem } from '../../contract/problem.ts'
import { cycle, placeBelow } from '../place.ts'
import type { Task } from '../task.ts'
import { reasonsOf, type TaskEntry } from './items.ts'
import type { Refusal } from './parts.ts'
import type { Outcome } from './report.ts'

/** `ownKey` is the sort key that a user has given, and `isParent` whether tasks are below it. */
export type Found = Task & { isDeleted: boolean | null; isParent: boolean; ownKey: string | null }
export type Place = Pick<Task, 'id' | 'parentId' | 'categoryId' | 'depth'>
/** A dry run notes here the tasks that it would have written. `room` is for how many more there is room. */
export type Simulated = { places: Map<string, Place>; parents: Set<string>; room: number }
export type Planned = { entry: TaskEntry; outcome: Outcome; row: Row; isFresh: boolean }
/** `rest` begins with a task that has tasks below it and gets another place: it must be moved before. */
export type Plan = { planned: Planned[]; waiting: TaskEntry[]; failed: [TaskEntry, Refusal[]][]; rest: readonly TaskEntry[] }
type Row = ReturnType<typeof rowOf>

export const full: Refusal = { place: null, reason: 'The account has reached its limit of tasks.' }

/** `rows` are those of the ids and the parents of the entries. `room` is for how many new tasks there may be room. */
export function planTasks(entries: readonly TaskEntry[], rows: readonly Found[], room: number, simulated?: Simulated): Plan {
  const there = new Map(rows.map(row => [row.id, row]))
  const places = new Map<string, Place>()
  const parents = new Set<string>()
  const plan: Plan = { planned: [], waiting: [], failed: [], rest: [] }
  let left = room
  for (const [index, entry] of entries.entries()) {
    try {
      if (add(entry)) continue
      plan.rest = entries.slice(index)
      break
    } catch (error) {
      plan.failed.push([entry, reasonsOf(error)])
    }
  }
  return plan

  /** False if the task must be moved before. */
  function add(entry: TaskEntry): boolean {
    const { id, input, isMoved = false } = entry
    const { parentId } = input
    if (parentId === id) throw cycle()
    const parent = parentId === null ? null : placeOf(parentId)
    if (parent === undefined) return plan.waiting.push(entry) > 0
    const before = placeOf(id)
    const place = { id, parentId, ...(parent === null ? { depth: 0, categoryId: input.categoryId } : placeBelow(parent, input)) }
    if (before !== undefined && isElsewhere(before, place) && isParent(id)) {
      if (isMoved) throw new Problem('conflict', { detail: 'Another request has moved the task meanwhile. Import it again.' })
      return false
    }
    if (before === undefined && left-- <= 0) return plan.failed.push([entry, [full]]) > 0
    places.set(id, place)
    if (parentId !== null) parents.add(parentId)
    const live = liveOf(id)
    const row = rowOf(entry, place, live)
    const isSame = live !== undefined && !isMoved && isDeepStrictEqual(shownOf(row, live), shownOf(live, live))
    const outcome = before === undefined ? 'created' : isSame ? 'unchanged' : 'updated'
    return plan.planned.push({ entry, outcome, row, isFresh: !there.has(id) }) > 0
  }

  function liveOf(id: string): Found | undefined {
    const found = there.get(id)
    return found?.isDeleted === false ? found : undefined
  }

  function placeOf(id: string): Place | undefined {
    return places.get(id) ?? simulated?.places.get(id) ?? liveOf(id)
  }

  function isParent(id: string): boolean {
    return parents.has(id) || simulated?.parents.has(id) === true || liveOf(id)?.isParent === true
  }
}

function isElsewhere(before: Place, after: Place): boolean {
  return before.parentId !== after.parentId || before.categoryId !== after.categoryId || before.depth !== after.depth
}

/** Fields that the file lacks stay as they are. In a new row, the server makes those that only it writes. */
function rowOf({ input, kept }: TaskEntry, { id, depth, categoryId }: Place, live: Found | undefined) {
  const { nextOccurrenceId = live?.nextOccurrenceId ?? null } = kept
  return {
    ...{ id, ...input, depth, categoryId, nextOccurrenceId },
    sortKey: input.sortKey ?? live?.ownKey ?? null,
    completedAt: input.completed ? (kept.completedAt ?? live?.completedAt ?? null) : null,
    createdAt: kept.createdAt ?? live?.createdAt ?? null,
    updatedAt: kept.updatedAt ?? null,
  }
}

const notCompared: readonly string[] = ['isDeleted', 'isParent', 'ownKey', 'revision', 'asOf']

/** The fields that the row would show if it replaced the one that is there. */
function shownOf(row: Row | Found, live: Found): object {
  const names = Object.keys(live).filter(name => !notCompared.includes(name))
  return {
    ...Object.fromEntries(names.map(name => [name, row[name as keyof Row]])),
    sortKey: row.sortKey ?? live.sortKey,
    updatedAt: row.updatedAt ?? live.updatedAt,
    completedAt: row.completed ? (row.completedAt ?? live.completedAt) : null,
  }
}
