// The model of the reminders that fall due.
import { dueAt } from './dates.ts'
import { byText, type State, type Task } from './state.ts'

const msPerMinute = 60_000

/** The reminders of open tasks from one instant until before another, in their order. Those of a task on one instant are one. */
export function reminders(state: State, from: string, to: string) {
  const open = [...state.tasks.values()].filter(({ completed }) => !completed)
  return open
    .flatMap(task => instantsOf(state, task).map(at => reminderOf(task, at)))
    .filter(({ at }) => at >= Date.parse(from) && at < Date.parse(to))
    .sort((a, b) => a.at - b.at || byText(a.taskId, b.taskId))
}

/** A task without a time counts as due at 09:00. */
function instantsOf(state: State, task: Task): number[] {
  const due = dueAt(state, task, '09:00') ?? Number.NaN
  const instants = task.reminders.map(({ at, minutesBefore }) => (at === null ? due - (minutesBefore ?? 0) * msPerMinute : Date.parse(at)))
  return [...new Set(instants)]
}

const reminderOf = ({ id, title, dueDate, dueTime, timeZone }: Task, at: number) => ({ taskId: id, title, at, dueDate, dueTime, timeZone })
