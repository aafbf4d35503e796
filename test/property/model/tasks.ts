// The model of tasks: what each request does to them, and what it is refused for. `at` is an instant of the request.
import type { components } from '../../../generated/api.ts'
import { dayOf, profileZone } from './dates.ts'
import { follow, nextDates } from './occurrences.ts'
import { isAt } from './order.ts'
import { type Conditions, changed, done, type Expected, forbids, invalid, missing, type Reason, read, refused, shown } from './replies.ts'
import { byText, type State, stored, type Task } from './state.ts'
import { below, move, place } from './tree.ts'

export type TaskBody = components['schemas']['TaskPatch']
export type MoveBody = components['schemas']['TaskMove']
type Reminder = Task['reminders'][number]

/** What a new task has in any case. */
type Given = 'id' | 'title' | 'completedAt' | 'nextOccurrenceId' | 'depth' | 'revision' | 'createdAt' | 'updatedAt'
/** The fields of a new task that has only a title. */
const defaults = {
  ...{ description: null, completed: false, priority: 'none', categoryId: null, parentId: null, sortKey: null },
  ...{ dueDate: null, dueTime: null, startDate: null, deadlineDate: null, durationMinutes: null, timeZone: null },
  ...{ labels: [], reminders: [], recurrence: null },
} satisfies { [Field in Exclude<keyof Task, Given>]: Task[Field] | null }
const nullable = ['description', 'timeZone']

const isRelative = ({ minutesBefore }: Reminder) => minutesBefore !== null

export function createTasks(state: State) {
  const { tasks } = state

  /** A new task under an id, which may be the one of a deleted task: then it is in the trash no more. */
  function add(id: string, body: TaskBody): Expected {
    const fields = { ...defaults, ...storedTask(body) }
    const { place: to, reasons } = place(state, fields, undefined)
    // Without an account there is no parent, and the request does not make one.
    if (fields.parentId === null) state.meet()
    const wrong = [...reasons, ...undated(fields)]
    if (wrong.length > 0) return refused(wrong)
    const completedAt = fields.completed ? undefined : null
    const sortKey = fields.sortKey ?? undefined
    const row = {
      ...fields,
      ...to,
      id,
      completedAt,
      sortKey,
      nextOccurrenceId: null,
      revision: 0,
      createdAt: undefined,
      updatedAt: undefined,
    }
    tasks.set(id, row)
    state.trash.tasks.delete(id)
    state.change([row])
    return shown(201, row)
  }

  /** Changes a task, and those below that follow, unless there are `more` reasons against it. */
  function change(task: Task, patch: TaskBody, at: string, more: Reason[] = []): Expected {
    const under = below(tasks.values(), task.id)
    const { parentId = task.parentId, categoryId = parentId === null ? task.categoryId : null } = patch
    const { place: to, reasons } = place(state, { parentId, categoryId }, { task, under })
    const row = { ...task, ...storedTask(patch), ...withoutDate(task, patch) } as Task
    const wrong = [...reasons, ...undated(row), ...more]
    if (wrong.length > 0) return refused(wrong)

    const isDone = row.completed && !task.completed
    const moved = move(task, under, to)
    const completed = patch.completed === true ? under.filter(each => !each.completed) : []
    for (const each of completed) complete(each)
    const completedAt = row.completed ? (task.completedAt ?? undefined) : null
    Object.assign(task, { ...row, ...to, completedAt, sortKey: row.sortKey ?? undefined })
    const copies = isDone ? follow(state, task, under, today(task, at)) : []
    const copied = copies.map(copy => copy.row)
    state.change([task, ...new Set([...moved, ...completed]), ...copied], Math.max(1, copies.length))
    return { ...shown(200, task), copies }
  }

  const today = ({ timeZone }: Task, at: string) => dayOf(at, timeZone ?? profileZone(state))

  return {
    /** The conditions are about the list. */
    create: (id: string, body: TaskBody, conditions: Conditions): Expected => (forbids(conditions) ? changed(state) : add(id, body)),

    put(id: string, body: TaskBody, conditions: Conditions, at: string): Expected {
      const task = tasks.get(id)
      if (task === undefined) return conditions.ifMatch === undefined ? add(id, body) : changed(undefined)
      return forbids(conditions) ? changed(task) : change(task, { ...defaults, ...body }, at)
    },

    patch(id: string, body: TaskBody, conditions: Conditions, at: string): Expected {
      const task = tasks.get(id)
      if (task === undefined) return missing
      if (forbids(conditions)) return changed(task)
      return Object.keys(body).length === 0 ? shown(200, task) : change(task, body, at)
    },

    /** Moves a task beside a neighbour, or after all others. `key` is the one that the server chose for it. */
    move(id: string, { before = null, after = null, ...to }: MoveBody, conditions: Conditions, key: string, at: string): Expected {
      const task = tasks.get(id)
      if (before !== null && after !== null) return invalid
      if (task === undefined) return missing
      if (forbids(conditions)) return changed(task)
      const others = [...tasks.values()].filter(each => each !== task)
      const pointer = before === null ? '/after' : '/before'
      const neighbour = before ?? after
      const isThere = neighbour === null || others.some(each => each.id === neighbour)
      const unknown: Reason[] = isThere ? [] : [{ status: 422, pointer, code: 'notFound' }]
      return change(task, { ...to, sortKey: isAt(key, others, { before, after }) ? key : 'one at that place' }, at, unknown)
    },

    /** Moves a task to its next date as if it was completed on its date, or today if that is later. What is below moves along, and is open. */
    skip(id: string, conditions: Conditions, at: string): Expected {
      const task = tasks.get(id)
      if (task === undefined) return missing
      if (forbids(conditions)) return changed(task)
      if (task.recurrence === null) return unskipped('notRecurring')
      if (task.completed) return unskipped('completed')
      const next = nextDates(state, task, [task.dueDate ?? '', today(task, at)].sort()[1] as string)
      if (next === undefined) return unskipped('lastOccurrence')
      const under = below(tasks.values(), id)
      for (const each of under) Object.assign(each, { ...next.move(each), completed: false, completedAt: null })
      Object.assign(task, next.dates)
      state.change([task, ...under])
      return shown(200, task)
    },

    /** Deletes a task with everything below it. All of them go to the trash, together. */
    remove(id: string, conditions: Conditions): Expected {
      const task = tasks.get(id)
      if (task === undefined) return missing
      if (forbids(conditions)) return changed(task)
      const deletion = state.createDeletion()
      const rows = [task, ...below(tasks.values(), id)]
      for (const row of rows) {
        tasks.delete(row.id)
        state.trash.tasks.set(row.id, { row, deletion })
      }
      state.change(rows)
      return done
    },

    get(id: string, conditions: Conditions): Expected {
      const task = tasks.get(id)
      return task === undefined ? missing : read(task, conditions, shown(200, task))
    },

    /** A task with everything below it, level by level, those of a level in the manual order. */
    tree(id: string, conditions: Conditions): Expected {
      const task = tasks.get(id)
      if (task === undefined) return missing
      const byLevel = (a: Task, b: Task) => a.depth - b.depth || byText(a.sortKey ?? '', b.sortKey ?? '') || byText(a.id, b.id)
      const items = [task, ...below(tasks.values(), id)].sort(byLevel)
      return read(state, conditions, { status: 200, etag: `"${state.revision}"`, body: { items, hasMore: false } })
    },
  }
}

const unskipped = (code: string) => refused([{ status: 409, pointer: '/taskId', code }])

/** A rule counts from the due date unless it says otherwise. */
function storedTask({ recurrence, ...body }: TaskBody): Task {
  const rule = recurrence && { from: 'due', ...recurrence }
  return { ...stored(body, nullable), ...(recurrence !== undefined && { recurrence: rule }) } as Task
}

function complete(task: Task): void {
  Object.assign(task, { completed: true, completedAt: undefined })
}

/** What needs a due date, if there is none. */
function undated({ dueDate, dueTime, reminders }: Task): Reason[] {
  if (dueDate !== null) return []
  const pointers = [
    ...(dueTime === null ? [] : ['/dueTime']),
    ...reminders.flatMap((each, i) => (isRelative(each) ? `/reminders/${i}` : [])),
  ]
  return pointers.map(pointer => ({ status: 422, pointer, code: 'needsDueDate' }))
}

/** Clearing the date of a task clears its time and the reminders before it, unless the patch has them. */
function withoutDate(task: Task, patch: TaskBody): Partial<Task> {
  if (patch.dueDate !== null) return {}
  return {
    ...(patch.dueTime === undefined && { dueTime: null }),
    ...(patch.reminders === undefined && { reminders: task.reminders.filter(each => !isRelative(each)) }),
  }
}
