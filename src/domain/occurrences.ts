// Completing or skipping an occurrence of a series: the ids, dates and copies that follow. No SQL.
import { randomUUIDv7 } from 'node:crypto'
import { hashedId } from '../contract/hashed-id.ts'
import { Problem } from '../contract/problem.ts'
import { dayOf, daysBetween, moveDate, moveInstant } from './days.ts'
import type { Family, Node } from './place.ts'
import { nextOccurrence, type Recurrence } from './recurrence.ts'
import { isRelative } from './reminders.ts'
import type { Input } from './task.ts'

/** The fields that move with the date. */
type Dates = Pick<Node, 'dueDate' | 'startDate' | 'deadlineDate' | 'reminders' | 'recurrence'>
export type Move = Dates & { id: string }
/** A new task with the other fields of the task `source`. `place` is its number among the copies. */
export type Copy = Move & { source: string; parentId: string | null; depth: number; place: number }
/** The next occurrence: the task, and then what is below it. */
export type Next = { id: string; copies: Copy[] }
type Read = Pick<Family, 'below' | 'now' | 'profileZone'>

/**
 * The next occurrence after a task that a patch completes; null if there is none. `shift` is how much deeper the patch moves the task.
 * Every task below is copied too, open: a check list comes back with all its boxes.
 */
export function nextOf(before: Node, found: Read, patch: Partial<Input>, shift: number): Next | null {
  const task = { ...before, ...patch } as Node
  if (patch.dueDate === null && patch.reminders === undefined) task.reminders = before.reminders.filter(each => !isRelative(each))
  if (!task.completed || before.completed || before.nextOccurrenceId !== null || task.recurrence === null) return null
  const today = dayOf(found.now, zoneOf(task, found))
  const next = nextDates(task, task.recurrence, found, today)
  if (next === null) return null

  const id = nameId(task.id, next.dates.dueDate)
  const below = found.below.filter(isFirst(found.below))
  const ids = new Map([[task.id, id], ...below.map((each): [string, string] => [each.id, nameId(each.id, id)])])
  const copy = (each: Node, dates: Dates, place: number): Copy => ({
    ...{ ...dates, source: each.id, id: ids.get(each.id) as string, depth: each.depth + shift, place },
    parentId: ids.get(each.parentId ?? '') ?? each.parentId,
  })
  return { id, copies: [copy(task, next.dates, 0), ...below.map((each, i) => copy(each, next.move(each), i + 1))] }
}

/** Gives copies other ids than those that are taken. The first one, the next occurrence itself, has none of them. */
export function withFreeIds([first, ...rest]: Copy[], taken: ReadonlySet<string>): Copy[] {
  const ids = new Map([...taken].map(id => [id, randomUUIDv7()]))
  const free = rest.map(each => ({ ...each, id: ids.get(each.id) ?? each.id, parentId: ids.get(each.parentId ?? '') ?? each.parentId }))
  return first === undefined ? free : [first, ...free]
}

/** Where a task and what is below it move when its date is skipped. Throws 409 if it can't be. */
export function skip(task: Node, found: Read): Move[] {
  if (task.recurrence === null) throw refused('notRecurring', 'The task does not recur.', 'must be a task with a recurrence')
  if (task.completed) throw refused('completed', 'The task is completed. Skip its next occurrence instead.', 'must be an open task')
  const today = dayOf(found.now, zoneOf(task, found))
  // As if it was completed on the day that is skipped. Else a rule that starts anew on completion could give that day again.
  const next = nextDates(task, task.recurrence, found, task.dueDate !== null && task.dueDate > today ? task.dueDate : today)
  if (next === null)
    throw refused(
      'lastOccurrence',
      'This is the last task of its series. Complete or delete it instead.',
      'must be a task with a next date',
    )
  return [{ id: task.id, ...next.dates }, ...found.below.map(each => ({ id: each.id, ...next.move(each) }))]
}

/** The dates of the next occurrence, and the function that moves those of another task by as many days; null at the end of the series. */
function nextDates(task: Node, { rule, from }: Recurrence, found: Read, completedOn: string) {
  const next = nextOccurrence({ rule, from }, task.dueDate, completedOn)
  if (next === null) return null
  const days = daysBetween(task.dueDate ?? completedOn, next.due)
  const move = (each: Node): Dates => ({
    ...{ dueDate: moved(each.dueDate, days), startDate: moved(each.startDate, days), deadlineDate: moved(each.deadlineDate, days) },
    reminders: each.reminders.map(({ at, minutesBefore }) => ({
      at: at === null ? null : moveInstant(at, days, zoneOf(each, found)),
      minutesBefore,
    })),
    recurrence: each.recurrence,
  })
  return { dates: { ...move(task), dueDate: next.due, recurrence: { rule: next.rule, from } }, move }
}

/**
 * Whether a task is the first occurrence of its series among these, and is below none that is a later one. The copy of the first stands for
 * all of them: with the others, a series below would grow with each copy.
 */
function isFirst(below: Node[]) {
  const later = new Set(below.map(each => each.nextOccurrenceId))
  for (const { id, parentId } of below) if (parentId !== null && later.has(parentId)) later.add(id) // each comes after its parent
  return ({ id }: Node) => !later.has(id)
}

/** An id that follows from two names: repeating a change can't make a second task. */
const nameId = (...names: string[]) => hashedId(names.join('/'))

const zoneOf = ({ timeZone }: Node, { profileZone }: Read) => timeZone ?? profileZone ?? 'UTC'
const moved = (date: string | null, days: number) => (date === null ? null : moveDate(date, days))

const refused = (code: 'notRecurring' | 'completed' | 'lastOccurrence', detail: string, message: string) =>
  new Problem('conflict', { detail, errors: [{ pointer: '/taskId', location: 'path', code, message }] })
