// The model of recurrence: what follows when a task of a series is completed, and where its dates move.
import { daysAfter, daysBetween, moveDate, moveInstant, profileZone } from './dates.ts'
import { serverKey } from './order.ts'
import { byText, instant, type State, type Task } from './state.ts'

/** A task of the next occurrence. Its id, and the one of its parent among the copies, come with a reply. */
export type Copy = { source: Task; row: Task }
type Dates = Pick<Task, 'dueDate' | 'startDate' | 'deadlineDate' | 'reminders'>

// Those that the commands have, without COUNT.
const daysOfRule = new Map([
  ['FREQ=DAILY', 1],
  ['FREQ=WEEKLY;INTERVAL=2', 14],
])

/**
 * The dates of a task after its next date, and the function that moves those of another task as far; undefined at the end of the series. `day`
 * is the one of the completion.
 */
export function nextDates(state: State, { recurrence, dueDate, ...task }: Task, day: string) {
  const { rule = '', from } = recurrence ?? {}
  const [simple = '', count] = rule.split(';COUNT=')
  const start = from === 'due' ? (dueDate ?? day) : day
  const step = daysOfRule.get(simple) as number
  const passed = Math.max(0, Math.floor(daysBetween(start, day) / step))
  const due = daysAfter(start, (passed + 1) * step)
  if (count === '1' || due.startsWith('+')) return undefined // the year 10000

  const days = daysBetween(dueDate ?? day, due)
  const move = (each: Omit<Task, 'recurrence'>): Dates => ({
    dueDate: each.dueDate && moveDate(each.dueDate, days),
    startDate: each.startDate && moveDate(each.startDate, days),
    deadlineDate: each.deadlineDate && moveDate(each.deadlineDate, days),
    reminders: each.reminders.map(({ at, minutesBefore }) => ({
      at: at && moveInstant(at, days, each.timeZone ?? profileZone(state)),
      minutesBefore,
    })),
  })
  const counted = count === undefined ? rule : `${simple};COUNT=${Number(count) - 1}`
  return { move, dates: { ...move({ ...task, dueDate }), dueDate: due, recurrence: recurrence && { ...recurrence, rule: counted } } }
}

/** What a task that was open, and is completed now, is followed by: itself, and everything below it; nothing if it is followed already. */
export function follow(state: State, task: Task, under: Task[], day: string): Copy[] {
  if (task.nextOccurrenceId !== null || task.recurrence === null) return []
  const next = nextDates(state, task, day)
  if (next === undefined) return []
  const id = state.followers.get(followerKey(task, next.dates.dueDate))
  task.nextOccurrenceId = id
  if (id !== undefined && (state.tasks.has(id) || state.trash.tasks.has(id))) return []

  const open = { id: '', completed: false, completedAt: null, nextOccurrenceId: null, categoryId: task.categoryId, createdAt: undefined }
  const copy = (source: Task, dates: Dates): Copy => ({
    source,
    row: { ...source, ...dates, ...open, sortKey: source.sortKey ?? serverKey(source) },
  })
  return [copy(task, next.dates), ...firsts(under).map(each => copy(each, next.move(each)))]
}

/** Adds copies to the account under the ids that the server gave them. */
export function addCopies({ tasks, followers }: State, copies: Copy[], ids: string[]): void {
  const idOf = new Map(copies.map(({ source }, i) => [source.id, ids[i] as string]))
  for (const { source, row } of copies) {
    const id = idOf.get(source.id) as string
    tasks.set(id, Object.assign(row, { id, parentId: idOf.get(row.parentId ?? '') ?? row.parentId }))
  }
  const [first] = copies
  if (first !== undefined) followers.set(followerKey(first.source, first.row.dueDate), first.row.id)
}

const followerKey = ({ id }: Task, due: string | null) => `${id} ${due}`

/** The tasks level by level, in the order of their creation. Of a series among them only the first one, with what is below it. */
function firsts(under: Task[]): Task[] {
  const later = new Set(under.map(({ nextOccurrenceId }) => nextOccurrenceId))
  const order = (a: Task, b: Task) => a.depth - b.depth || byText(instant(a.createdAt), instant(b.createdAt)) || byText(a.id, b.id)
  return under.toSorted(order).filter(({ id, parentId }) => {
    if (parentId !== null && later.has(parentId)) later.add(id)
    return !later.has(id)
  })
}
