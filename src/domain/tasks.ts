// The fields of a task, and the statements on tasks.
import { invalid } from '../contract/problem.ts'
import type { Call } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { errorCode, violates } from '../database/errors.ts'
import { joined, type Part, sql } from '../database/sql.ts'
import { isAllowed } from '../resource/etag.ts'
import { type Fields, nullable, required } from '../resource/fields.ts'
import { createPage, refuseCursor } from '../resource/page.ts'
import { createBulk } from './bulk.ts'
import { dateFilters } from './dates.ts'
import { createFirstPages, filters } from './filters.ts'
import { checkRule } from './recurrence.ts'
import { createRelevance } from './relevance.ts'
import { isRelative, remindersField, requireDueDate } from './reminders.ts'
import { createRows } from './rows.ts'
import { createSearch, type Search } from './search.ts'
import { cursorName, scansOf, sorts } from './sort.ts'
import { insertedTaskKey, taskKey } from './sort-key.ts'
import { createSubtasks } from './subtasks.ts'
import type { Input, Placed, Task } from './task.ts'

type Query = Call<'listTasks'>['query']
type Listed = Task & { asOf: number }

// Completing a task again keeps the first instant.
const completed = {
  column: 'completedAt',
  shows: ['completed', 'completedAt'],
  insert: (value: Part) => sql`case when ${value} then now() end`,
  update: (value: Part) =>
    sql`case when ${value} is null then item.completed_at when ${value} then coalesce(item.completed_at, (select now())) end`,
}

const fields: Fields<Placed> = {
  title: required('text'),
  description: nullable('text'),
  completed: required('boolean', completed),
  priority: required('task_priority'),
  categoryId: nullable('uuid'),
  parentId: nullable('uuid'),
  depth: required('integer'),
  sortKey: nullable('text', { shown: taskKey(sql`item.`), insert: insertedTaskKey }),
  dueDate: nullable('date'),
  dueTime: nullable('time'),
  startDate: nullable('date'),
  deadlineDate: nullable('date'),
  durationMinutes: nullable('integer'),
  timeZone: nullable('text'),
  labels: required('text[]'),
  reminders: remindersField,
  recurrence: nullable('jsonb'),
  nextOccurrenceId: required('uuid'),
}

export function createTasks(db: Database) {
  const rows = createRows<Task, Placed>(db, { name: 'tasks', noun: 'task', fields, sources: ['title', 'description', 'labels'], refuse })
  const { page, one, made, currentRevision, columns } = rows
  const subtasks = createSubtasks(db, rows)
  const insertAll = createBulk(db, 'tasks', rows)
  const searchTasks = createSearch<Listed>(db, rows)
  const firstPage = createFirstPages<Listed>(db, rows)
  const relevance = createRelevance(db, rows)

  return {
    one,
    made,
    currentRevision,
    columns,
    rows,
    usedIds: rows.usedIds,
    ...subtasks,

    create(...[owner, claims, id, input, guard]: Parameters<typeof subtasks.create>) {
      requireRule(input)
      return subtasks.create(owner, claims, id, input, guard)
    },

    add(...[owner, claims, id, input]: Parameters<typeof subtasks.add>) {
      requireRule(input)
      return subtasks.add(owner, claims, id, input)
    },

    /** See `createBulk`. None has a parent. */
    addAll(owner: string, inputs: (Input & { id: string })[]): Promise<Task[] | undefined> {
      for (const input of inputs) requireRule(input)
      return insertAll(
        owner,
        inputs.map(input => ({ ...input, depth: 0 })),
      )
    },

    /** Clearing the date clears the time too: it could not stay without a date. Reminders before the due date and rules depend on it as well. */
    async update(...[owner, id, allowed, patch]: Parameters<typeof subtasks.update>) {
      const { dueDate, dueTime, reminders = [], recurrence } = patch
      if (typeof dueDate === 'string') requireRule(patch)
      else if (reminders.some(isRelative) || recurrence) {
        const [task] = await one(owner, id)
        const due = dueDate === undefined ? task?.dueDate : dueDate
        if (task !== undefined && isAllowed(allowed, task)) {
          requireDueDate(reminders, due ?? null)
          requireRule({ recurrence, dueDate: due })
        }
      }
      const clearsTime = dueDate === null && dueTime === undefined
      return subtasks.update(owner, id, allowed, clearsTime ? { ...patch, dueTime: null } : patch)
    },

    /**
     * Makes the function that reads a page of the tasks that fit the query, with the revision of the account at the same instant. Throws 422
     * at once for an invalid query, which no condition excuses. `minute`: see `minuteOf`.
     */
    list(owner: string, query: Query, minute?: number) {
      if (query.sort === 'relevance') requireQ(query.q)
      return () => pageOf(owner, query, minute).catch(query.cursor === undefined ? undefined : refuseCursor)
    },
  }

  async function pageOf(owner: string, query: Query, minute?: number) {
    const { limit, cursor, sort, q } = query
    const conditions = () => [...filters(query), ...dateFilters(owner, query, minute)]
    const asked = { owner: sql`${owner}`, count: sql`${limit + 1}` }
    if (sort === 'relevance') return relevance({ ...asked, limit, filters: conditions(), q: sql`${requireQ(q)}` }, cursor)

    const { order, keyOf } = sorts[sort]
    const scans = scansOf(sort, cursor)
    let found = await firstPage(owner, query)
    const isLarge = found !== undefined
    if (found === undefined || found.length === 0) {
      const search = { ...asked, filters: conditions(), scans, order }
      found = await (q === undefined ? select(search) : searchTasks({ ...search, q: sql`${q}` }, isLarge))
    }
    return createPage(found, limit, cursorName(sort), keyOf)
  }

  function select({ owner, filters, scans, order, count }: Omit<Search, 'q'>): Promise<Listed[]> {
    return db.read<Listed>('select tasks', sql`${page(owner, joined(filters), order, count, scans)} order by ${order}`)
  }
}

/** Throws 422 if the rule is refused, or has no date from the due date on. */
export function requireRule({
  recurrence,
  dueDate,
}: {
  recurrence?: Input['recurrence'] | undefined
  dueDate?: string | null | undefined
}): void {
  const fault = recurrence ? checkRule(recurrence.rule, dueDate ?? null) : null
  if (fault !== null) throw invalid({ pointer: '/recurrence/rule', location: 'body', code: 'recurrence', message: fault.message })
}

function requireQ(q: Query['q']): string {
  if (q === undefined) throw invalid({ pointer: '/sort', location: 'query', code: 'needsQ', message: 'relevance needs a q' })
  return q
}

function refuse(error: unknown): never {
  if (errorCode(error) === '23503')
    throw invalid({ pointer: '/categoryId', location: 'body', code: 'notFound', message: 'must be the id of one of your categories' })
  if (violates(error, 'tasks_due_time_needs_due_date'))
    throw invalid({ pointer: '/dueTime', location: 'body', code: 'needsDueDate', message: 'needs a dueDate' })
  throw error
}
