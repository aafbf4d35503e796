// The model of `listTasks`: which tasks it lists, and in which order.
import type { Input } from '../../support/client.ts'
import { finds, folded } from '../text.ts'
import { isOverdue } from './dates.ts'
import { hasLabel } from './labels.ts'
import { byText, instant, type State, type Task } from './state.ts'

export type Query = NonNullable<Input<'listTasks'>['query']>
export type Sort = NonNullable<Query['sort']>

const priorities = ['none', 'low', 'medium', 'high']
const collator = new Intl.Collator('und')

/** `minute`: the one of the clock, for the filter `overdue`. */
export function select(state: State, query: Query, sort: Sort, minute = 0): Task[] {
  if (sort === 'relevance') return byRelevance(select(state, query, '-createdAt', minute), query.q as string)
  const down = sort.startsWith('-')
  const compare = orders[sort.replace('-', '') as keyof typeof orders]
  return [...state.tasks.values()]
    .filter(task => isSelected(state, task, query, minute))
    .sort((a, b) => {
      // Without a due date comes last in both directions.
      if (sort.endsWith('dueDate') && (a.dueDate === null) !== (b.dueDate === null)) return a.dueDate === null ? 1 : -1
      return (compare(a, b) || byText(a.id, b.id)) * (down ? -1 : 1)
    })
}

function isSelected(state: State, task: Task, query: Query, minute: number): boolean {
  const { completed, priority, categoryId, parentId, label, overdue, q } = query
  return (
    (completed === undefined || task.completed === completed) &&
    (priority === undefined || priority.includes(task.priority)) &&
    (categoryId === undefined || task.categoryId === categoryId) &&
    (parentId === undefined || task.parentId === (parentId === 'none' ? null : parentId)) &&
    (label === undefined || label.every(each => hasLabel(task, folded(each)))) &&
    isWithin(task.dueDate, query.dueFrom, query.dueTo) &&
    isWithin(task.startDate, query.startFrom, query.startTo) &&
    isWithin(task.deadlineDate, query.deadlineFrom, query.deadlineTo) &&
    (overdue === undefined || isOverdue(state, task, minute) === overdue) &&
    (q === undefined || finds(q, `${task.title} ${task.description ?? ''}`))
  )
}

/** Whether the day of a task is in a range; without bounds, every task is. */
function isWithin(day: string | null, from: string | undefined, to: string | undefined): boolean {
  if (from === undefined && to === undefined) return true
  return day !== null && day >= (from ?? day) && day <= (to ?? day)
}

/** Of the newest 200, those whose title has all words come first. */
function byRelevance(newestFirst: Task[], q: string): Task[] {
  const isFirst = (task: Task, index: number) => index < 200 && finds(q, task.title)
  return [...newestFirst.filter(isFirst), ...newestFirst.filter((task, index) => !isFirst(task, index))]
}

const start = (title: string) => [...title].slice(0, 100).join('')

const orders = {
  createdAt: (a: Task, b: Task) => byText(instant(a.createdAt), instant(b.createdAt)),
  updatedAt: (a: Task, b: Task) => a.revision - b.revision,
  dueDate: (a: Task, b: Task) => byText(a.dueDate ?? '', b.dueDate ?? '') || byText(a.dueTime ?? '24:00', b.dueTime ?? '24:00'),
  priority: (a: Task, b: Task) => priorities.indexOf(a.priority) - priorities.indexOf(b.priority),
  sortKey: (a: Task, b: Task) => byText(a.sortKey ?? '', b.sortKey ?? ''),
  title: (a: Task, b: Task) => collator.compare(start(a.title), start(b.title)) || byText(start(a.title), start(b.title)),
}
