// The fields of a task, and the statements on tasks.
import type { components } from '../../generated/api.ts'
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
import { checkRule } from './recurrence.ts'
import { createRelevance } from './relevance.ts'
import { isRelative, remindersField, requireDueDate } from './reminders.ts'
import { createRows } from './rows.ts'
import { createSearch, type Search } from './search.ts'
import { afterCursor, cursorName, type SortName, sorts } from './sort.ts'
import { insertedTaskKey, taskKey } from './sort-key.ts'
import { createSubtasks } from './subtasks.ts'

export type Task = components['schemas']['Task']
export type Input = Call<'createTask'>['body']
/** With what follows from the parent, and from the completion. */
export type Placed = Input & { depth: number; nextOccurrenceId?: string }
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
  const rows = createRows<Task, Placed>(db, { name: 'tasks', noun: 'task', fields, refuse })
  const { page, one, made, currentRevision, columns } = rows
  const subtasks = createSubtasks(db, rows)
  const insertAll = createBulk(db, 'tasks', rows)
  const search = createSearch<Listed>(db, rows)
  const relevance = createRelevance(db, rows)
  const firstPages = Object.fromEntries(
    Object.entries(sorts).map(([name, sort]) => [
      name,
      db.lookup(
        'select tasks',
        { owner: 'text', count: 'integer' },
        sort.order,
      )<Listed>(asked => page(asked.owner, sql``, sort.order, asked.count)),
    ]),
  ) as Record<SortName, (asked: { owner: string; count: number }) => Promise<Listed[]>>

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
    const asked = { owner, filters: [...filters(query), ...dateFilters(owner, query, minute)], count: limit + 1 }
    if (sort === 'relevance') return relevance({ ...asked, q: requireQ(q) }, cursor)

    const { order, keyOf } = sorts[sort]
    const after = afterCursor(cursor, sort)
    const found = q === undefined ? await select(sort, asked, after) : await search({ ...asked, q, after, order })
    return createPage(found, limit, cursorName(sort), keyOf)
  }

  function select(sort: SortName, { owner, filters, count }: Omit<Search, 'q' | 'after' | 'order'>, after: Part[]): Promise<Listed[]> {
    const conditions = [...filters, ...after]
    if (conditions.length === 0) return firstPages[sort]({ owner, count })
    const { order } = sorts[sort]
    const asked = page(sql`${owner}`, joined(conditions), order, sql`${count}`)
    return db.read<Listed>('select tasks', sql`${asked} order by ${order}`)
  }
}

/** The filters but `q`. A subquery is evaluated once for a statement, while a plan for any value would evaluate it for each row. */
function filters(query: Query): Part[] {
  return [
    query.completed === undefined ? [] : sql`and completed = ${query.completed}`,
    query.priority === undefined ? [] : sql`and priority = any(${query.priority}::text[]::task_priority[])`,
    query.categoryId === undefined ? [] : sql`and category_id = ${query.categoryId}`,
    query.parentId === undefined ? [] : query.parentId === 'none' ? sql`and parent_id is null` : sql`and parent_id = ${query.parentId}`,
    query.label === undefined ? [] : sql`and label_names @> (select folded_all(${query.label}::text[]))`,
  ].flat()
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
