// The model of the summary: counts of the open tasks at a minute.
import type { components } from '../../../generated/api.ts'
import { dayAt, daysAfter, isOverdue, profileZone } from './dates.ts'
import { hasLabel, namesOf, spellingOf } from './labels.ts'
import { byText, type State, type Task } from './state.ts'

const maxLabels = 100

export function summary(state: State, minute: number): components['schemas']['Summary'] {
  const open = [...state.tasks.values()].filter(({ completed }) => !completed)
  const timeZone = profileZone(state)
  const today = dayAt(minute, timeZone)
  const counts = (tasks: Task[]) => ({ open: tasks.length, overdue: tasks.filter(task => isOverdue(state, task, minute)).length })
  const dueBetween = (from: string, to: string) => open.filter(({ dueDate }) => dueDate !== null && dueDate >= from && dueDate <= to).length

  const categories = [...state.categories.keys()].sort(byText).map(String)
  const labels = namesOf(open).map(folded => ({ folded, tasks: open.filter(task => hasLabel(task, folded)) }))
  return {
    ...{ today, timeZone, ...counts(open) },
    dueToday: dueBetween(today, today),
    dueNext7Days: dueBetween(daysAfter(today, 1), daysAfter(today, 7)),
    withoutDate: open.filter(({ dueDate }) => dueDate === null).length,
    categories: [...categories, null]
      .map(categoryId => ({ categoryId, ...counts(open.filter(task => task.categoryId === categoryId)) }))
      .filter(each => each.open > 0),
    labels: labels
      .sort((a, b) => b.tasks.length - a.tasks.length || byText(a.folded, b.folded))
      .slice(0, maxLabels)
      .map(({ folded, tasks }) => ({ name: spellingOf(tasks, folded), ...counts(tasks) })),
  }
}
