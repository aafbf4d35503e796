// Where tasks are: below which parent, how deep, and in which category.
import type { Reason } from './replies.ts'
import type { State, Task } from './state.ts'

export type Place = Pick<Task, 'parentId' | 'depth' | 'categoryId'>

export const maxDepth = 7

/** Everything below a task among these tasks, each after its parent. */
export function below(tasks: Iterable<Task>, id: string): Task[] {
  const all = [...tasks]
  const children = all.filter(({ parentId }) => parentId === id)
  return children.flatMap(child => [child, ...below(all, child.id)])
}

/** How many levels are below a task. */
export const heightOf = (task: Task, under: Task[]): number => Math.max(task.depth, ...under.map(({ depth }) => depth)) - task.depth

/**
 * The place that a task gets below a parent or without one, and the reasons why it can't have it. A subtask is in the category of its parent:
 * it may name that one or none. `moved`: the task if it is there already, with what is below it.
 */
export function place(
  { tasks, categories }: State,
  { parentId, categoryId }: Pick<Task, 'parentId' | 'categoryId'>,
  moved: { task: Task; under: Task[] } | undefined,
): { place: Place; reasons: Reason[] } {
  const parent = parentId === null ? undefined : tasks.get(parentId)
  const depth = parent === undefined ? 0 : parent.depth + 1
  const height = moved === undefined ? 0 : heightOf(moved.task, moved.under)
  const isInside = moved !== undefined && [moved.task, ...moved.under].some(({ id }) => id === parentId)
  const reasons: [boolean, Reason][] = [
    [categoryId !== null && !categories.has(categoryId), { status: 422, pointer: '/categoryId', code: 'notFound' }],
    [parentId !== null && parent === undefined, { status: 422, pointer: '/parentId', code: 'notFound' }],
    [
      parent !== undefined && categoryId !== null && categoryId !== parent.categoryId,
      { status: 409, pointer: '/categoryId', code: 'parentCategory' },
    ],
    [depth + height > maxDepth, { status: 409, pointer: '/parentId', code: 'tooDeep' }],
    [isInside, { status: 409, pointer: '/parentId', code: 'cycle' }],
  ]
  return {
    place: { parentId, depth, categoryId: parent === undefined ? categoryId : parent.categoryId },
    reasons: reasons.filter(([applies]) => applies).map(([, reason]) => reason),
  }
}

/** Puts a task at its place, with what is below it. Returns those below that change. */
export function move(task: Task, under: Task[], to: Place): Task[] {
  const shift = to.depth - task.depth
  const changed = under.filter(({ categoryId }) => shift !== 0 || categoryId !== to.categoryId)
  for (const each of changed) Object.assign(each, { depth: each.depth + shift, categoryId: to.categoryId })
  Object.assign(task, to)
  return changed
}
