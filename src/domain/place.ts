// Where a task is among others: its parent, its depth and its category. No SQL.
import { type FieldError, invalid, Problem } from '../contract/problem.ts'
import type { Input, Task } from './task.ts'

/** The fields that a change of several tasks depends on. */
export const nodeFields = [
  ...(['id', 'parentId', 'categoryId', 'depth', 'completed', 'revision', 'createdAt'] as const),
  ...(['dueDate', 'startDate', 'deadlineDate', 'timeZone', 'reminders', 'recurrence', 'nextOccurrenceId'] as const),
] as const
export type Node = Pick<Task, (typeof nodeFields)[number]>
type Located = Pick<Node, 'id' | 'categoryId' | 'depth'>
/** A task, everything below it, each after its parent, and the task that is to be its parent, at the revision `asOf` of the account. */
export type Family = {
  asOf: number
  /** the instant of the database */
  now: string
  profileZone: string | null
  task: Node | undefined
  below: Node[]
  parent: Node | undefined
}
/** The fields that follow for the task, and the changes of those below it. */
export type Place = {
  fields: { depth: number; categoryId: string | null }
  /** ids of the tasks below that change */
  below: string[]
  /** how much deeper they are afterwards */
  shift: number
  /** their category */
  home: string | null
  completes: boolean
}

const maxDepth = 7 // as the spec says

/** The place of a new subtask. Throws 422 if there is no such parent, and 409 if it can't be there. */
export function placeBelow(
  parent: Pick<Node, 'categoryId' | 'depth'> | undefined,
  { categoryId }: Pick<Input, 'categoryId'>,
): Place['fields'] {
  if (parent === undefined) throw unknownParent()
  requireCategory(parent.categoryId, categoryId)
  requireDepth(parent.depth + 1)
  return { depth: parent.depth + 1, categoryId: parent.categoryId }
}

/** The place of a task after a patch. Throws 422 if there is no such parent, and 409 if it can't be there. */
export function place(task: Node, { below, parent }: Family, patch: Partial<Input>): Place {
  const moves = patch.parentId !== undefined && patch.parentId !== null
  const wanted = patch.parentId?.toLowerCase() // a caller may write an id in capitals
  if ([task, ...below].some(({ id }) => id === wanted)) throw cycle()
  const isSubtask = moves || (patch.parentId === undefined && task.parentId !== null)
  const fields = moves ? placeBelow(parent, { categoryId: patch.categoryId ?? null }) : stay(task, isSubtask, patch)
  const shift = fields.depth - task.depth
  requireDepth(Math.max(...below.map(({ depth }) => depth), task.depth) + shift)

  const completes = patch.completed === true
  const changed = below.filter(each => shift !== 0 || each.categoryId !== fields.categoryId || (completes && !each.completed))
  return { fields, below: changed.map(({ id }) => id), shift, home: fields.categoryId, completes }
}

/**
 * The place of a task that was deleted, with the tasks `below` it: under the parent that it had, or without one where that is not there any
 * more, or has no room for them.
 */
export function placeAgain(task: Located, below: Located[], parent: Located | undefined) {
  const height = Math.max(...below.map(({ depth }) => depth), task.depth) - task.depth
  if (parent === undefined || parent.depth + 1 + height > maxDepth) return { parentId: null, depth: 0, categoryId: task.categoryId }
  return { parentId: parent.id, depth: parent.depth + 1, categoryId: parent.categoryId }
}

/** The place of a task that gets no other parent, though it may lose its own. */
function stay(task: Node, isSubtask: boolean, { categoryId }: Partial<Input>): Place['fields'] {
  if (!isSubtask) return { depth: 0, categoryId: categoryId === undefined ? task.categoryId : categoryId }
  requireCategory(task.categoryId, categoryId ?? null)
  return { depth: task.depth, categoryId: task.categoryId }
}

function requireCategory(ofParent: string | null, wanted: string | null): void {
  if (wanted !== null && wanted.toLowerCase() !== ofParent)
    throw refused('A subtask is in the category of its parent.', {
      ...{ pointer: '/categoryId', code: 'parentCategory', message: 'must be null or the category of the parent' },
    })
}

function requireDepth(depth: number): void {
  if (depth > maxDepth)
    throw refused(`A task has at most ${maxDepth} tasks above it.`, {
      ...{ pointer: '/parentId', code: 'tooDeep', message: `would place a task below ${maxDepth + 1} levels` },
    })
}

export const cycle = (): Problem =>
  refused('A task cannot be below itself.', {
    ...{ pointer: '/parentId', code: 'cycle', message: 'must not be the task itself or one below it' },
  })

const unknownParent = () =>
  invalid({ pointer: '/parentId', location: 'body', code: 'notFound', message: 'must be the id of one of your tasks' })

const refused = (detail: string, error: Omit<FieldError, 'location'>) =>
  new Problem('conflict', { detail, errors: [{ ...error, location: 'body' }] })
