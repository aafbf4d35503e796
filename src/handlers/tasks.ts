import { randomUUIDv7 } from 'node:crypto'
import type { components } from '../../generated/api.ts'
import { account } from '../account.ts'
import type { Claims } from '../auth.ts'
import { created, etag, failed, missed, mustMatch, notModified, revisions, shown, shownIfNew, unchanged } from '../conditional.ts'
import type { Call, Handlers } from '../contract.ts'
import { type Database, errorCode, violated } from '../db.ts'
import { madeUp, page, position } from '../page.ts'
import { found, invalid } from '../problem.ts'
import { assigned, joined, type Part, sql, type Value } from '../sql.ts'

type Task = components['schemas']['Task']
type Input = Call<'createTask'>['body']
type Patch = Call<'updateTask'>['body']
type Sort = Call<'listTasks'>['query']['sort']

export function tasks(db: Database) {
  const { read, lookup, write } = db
  const { opened, changed, listed, revision } = account(db)
  const columns = sql`id, title, description, completed, completed_at, priority, category_id,
    due_date, due_time, time_zone, labels, revision, created_at, updated_at`

  // What each sort compares: in the words of its index, of a cursor's key, and of a task.
  const createdAt = { column: sql`created_at`, key: (key: Key) => sql`${key}`, of: (task: Task) => task.createdAt }
  const updatedAt = { column: sql`updated_at`, key: (key: Key) => sql`${key}`, of: (task: Task) => task.updatedAt }
  const priority = { column: sql`priority`, key: (key: Key) => sql`${key}`, of: (task: Task) => task.priority }
  const title = {
    column: sql`left(title, 100) collate "und-x-icu"`,
    key: (key: Key) => sql`left(${key}, 100)`,
    of: (task: Task) => task.title,
  }
  // Without a due date comes last in both directions, so the two differ in more than the direction.
  const dueDate = {
    column: sql`coalesce(due_date, 'infinity'::date)`,
    key: (key: Key) => sql`coalesce(${key}::date, 'infinity'::date)`,
    of: (task: Task) => task.dueDate,
  }
  const dueDateDown = {
    column: sql`coalesce(due_date, '-infinity'::date)`,
    key: (key: Key) => sql`coalesce(${key}::date, '-infinity'::date)`,
    of: (task: Task) => task.dueDate,
  }
  const up = { direction: sql`asc`, beyond: sql`>` }
  const down = { direction: sql`desc`, beyond: sql`<` }
  const orders: Record<Sort, Order> = {
    createdAt: { ...createdAt, ...up },
    '-createdAt': { ...createdAt, ...down },
    updatedAt: { ...updatedAt, ...up },
    '-updatedAt': { ...updatedAt, ...down },
    dueDate: { ...dueDate, ...up },
    '-dueDate': { ...dueDateDown, ...down },
    priority: { ...priority, ...up },
    '-priority': { ...priority, ...down },
    title: { ...title, ...up },
    '-title': { ...title, ...down },
  }

  const one = lookup({ owner: 'text', id: 'uuid' })<Task>`
    select ${columns}
    from tasks
    where owner_id = asked.owner and id = asked.id and deleted_at is null`
  // Each sort has its index, so that a list without conditions is quick however many tasks there are.
  const firstPages = Object.fromEntries(
    Object.entries(orders).map(([sort, order]) => [
      sort,
      lookup({ owner: 'text', count: 'integer' }, by(order))<Listed>`${inOrder(sql`asked.owner`, [], order, sql`asked.count`)}`,
    ]),
  ) as Record<Sort, (asked: { owner: string; count: number }) => Promise<Listed[]>>

  return {
    async listTasks({ owner, query, headers }) {
      if (headers['if-none-match'] !== undefined) {
        const now = await revision(owner)
        if (unchanged(headers['if-none-match'], now)) return notModified(now)
      }
      const order = orders[query.sort]
      const conditions = [...filters(query), ...beyond(query.cursor, query.sort)]
      const count = query.limit + 1
      const rows =
        conditions.length === 0
          ? await firstPages[query.sort]({ owner, count })
          : await read<Listed>`
              ${inOrder(sql`${owner}`, conditions, order, sql`${count}`)}
              order by ${by(order)}`.catch(query.cursor === undefined ? undefined : madeUp)
      const { asOf, body } = page(rows, query.limit, query.sort, order.of)
      return { status: 200, headers: { ETag: etag(asOf) }, body }
    },

    async createTask({ owner, claims, body }) {
      const rows = await write<Task>`
        ${inserted(owner, claims, randomUUIDv7(), body)}
        returning ${columns}`.catch(refused)
      return created(found(rows), owner, 'tasks')
    },

    async getTask({ owner, path, headers }) {
      return shownIfNew(found(await one({ owner, id: path.taskId })), headers['if-none-match'])
    },

    async putTask({ owner, claims, path, headers, body }) {
      const id = path.taskId
      if (headers['if-none-match'] !== undefined) {
        // The statement below would leave it alone too, and yet count a change.
        const taken = await one({ owner, id })
        if (taken.length > 0) throw failed(taken)
      }
      if (headers['if-match'] !== undefined) {
        const [task] = await change(owner, id, revisions(headers['if-match']), fields(body))
        if (task === undefined) throw failed(await one({ owner, id }))
        return shown(task)
      }
      const [task] = await write<Task>`
        ${inserted(owner, claims, id, body)}
        on conflict (owner_id, id) do update
        set title = excluded.title,
          description = excluded.description,
          completed_at = case
            when excluded.completed_at is null then null
            when t.deleted_at is null then coalesce(t.completed_at, now())
            else now() end,
          priority = excluded.priority,
          category_id = excluded.category_id,
          due_date = excluded.due_date,
          due_time = excluded.due_time,
          time_zone = excluded.time_zone,
          labels = excluded.labels,
          revision = excluded.revision,
          created_at = case when t.deleted_at is null then t.created_at else now() end,
          updated_at = now(),
          deleted_at = null
        ${headers['if-none-match'] === undefined ? sql`` : sql`where t.deleted_at is not null`}
        returning ${columns}`.catch(refused)
      if (task === undefined) throw failed(await one({ owner, id }))
      // A row that was just made has one instant for both.
      return task.createdAt === task.updatedAt ? created(task, owner, 'tasks') : shown(task)
    },

    async updateTask({ owner, path, headers, body }) {
      const match = revisions(headers['if-match'])
      const current = () => one({ owner, id: path.taskId })
      if (Object.keys(body).length === 0) {
        const task = found(await current())
        mustMatch(match, task)
        return shown(task)
      }
      const [task] = await change(owner, path.taskId, match, fields(body))
      return shown(task ?? (await missed(match, current)))
    },

    async deleteTask({ owner, path, headers }) {
      const match = revisions(headers['if-match'])
      const [task] = await change(owner, path.taskId, match, { deletedAt: sql`now()` })
      if (task === undefined) await missed(match, () => one({ owner, id: path.taskId }))
      return { status: 204 }
    },
  } satisfies Partial<Handlers>

  function inOrder(owner: Part, conditions: Part[], order: Order, count: Part) {
    const rows = sql`
      select ${columns}
      from tasks
      where owner_id = ${owner} and deleted_at is null ${joined(conditions)}
      order by ${by(order)}
      limit ${count}`
    return listed(owner, columns, rows)
  }

  function filters(query: Call<'listTasks'>['query']): Part[] {
    return [
      query.completed === undefined ? [] : sql`and completed = ${query.completed}`,
      query.priority === undefined ? [] : sql`and priority = any(${query.priority}::text[]::task_priority[])`,
      query.categoryId === undefined ? [] : sql`and category_id = ${query.categoryId}`,
      query.label === undefined ? [] : sql`and labels @> ${query.label}::text[]`,
      query.dueFrom === undefined ? [] : sql`and due_date >= ${query.dueFrom}`,
      query.dueTo === undefined ? [] : sql`and due_date <= ${query.dueTo}`,
      query.q === undefined
        ? []
        : sql`and to_tsvector('simple', title || ' ' || coalesce(description, '')) @@ plainto_tsquery('simple', ${query.q})`,
    ].flat()
  }

  function beyond(cursor: string | undefined, sort: Sort): Part[] {
    if (cursor === undefined) return []
    const { key, id } = position(cursor, sort)
    const order = orders[sort]
    return [sql`and (${order.column}, id) ${order.beyond} (${order.key(key)}, ${id})`]
  }

  function inserted(owner: string, claims: Claims, id: string, task: Input) {
    return sql`
      with ${opened(owner, claims)}
      insert into tasks as t (owner_id, id, title, description, completed_at, priority, category_id,
        due_date, due_time, time_zone, labels, revision)
      select owner_id, ${id}, ${task.title}, ${task.description}, ${task.completed ? sql`now()` : null}, ${task.priority},
        ${task.categoryId}, ${task.dueDate}, ${task.dueTime}, ${task.timeZone}, ${task.labels}, next
      from change`
  }

  /** The columns of a body: completing twice keeps the first instant. */
  function fields({ completed, ...columns }: Patch) {
    if (completed === undefined) return columns
    return { ...columns, completedAt: completed ? sql`coalesce(completed_at, now())` : null }
  }

  function change(owner: string, id: string, match: number[] | null, fields: Record<string, Value>) {
    const matching = match === null ? sql`` : sql`and tasks.revision = any(${match}::bigint[])`
    const row = sql`
      select
      from tasks
      where owner_id = ${owner} and id = ${id} and deleted_at is null ${matching}`
    return write<Task>`
      with ${changed(owner, row)}
      update tasks
      set ${assigned(fields)}, revision = change.next, updated_at = now()
      from change
      where owner_id = ${owner} and id = ${id} and deleted_at is null ${matching}
      returning ${columns}`.catch(refused)
  }
}

const by = ({ column, direction }: Order) => sql`${column} ${direction}, id ${direction}`

type Listed = Task & { asOf: number }
type Key = string | number | null
type Order = { column: Part; direction: Part; beyond: Part; key: (key: Key) => Part; of: (task: Task) => Key }

function refused(error: unknown): never {
  if (errorCode(error) === '23503')
    throw invalid({ pointer: '/categoryId', location: 'body', code: 'notFound', message: 'must be the id of one of your categories' })
  if (violated(error) === 'tasks_due_time_needs_due_date')
    throw invalid({ pointer: '/dueTime', location: 'body', code: 'needsDueDate', message: 'needs a dueDate; clear both or none' })
  throw error
}
