import { randomUUIDv7 } from 'node:crypto'
import type { components } from '../../generated/api.ts'
import { invalid } from '../contract/problem.ts'
import type { Call, Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { errorCode, violated } from '../database/errors.ts'
import { joined, type Part, sql } from '../database/sql.ts'
import { quota } from '../domain/quota.ts'
import { account } from '../domain/revision.ts'
import { beyond, by, type Order, orders, type Sort } from '../domain/sort.ts'
import { created, etag, notModified, unchanged } from '../resource/etag.ts'
import { resource } from '../resource/item.ts'
import { madeUp, page } from '../resource/page.ts'

type Task = components['schemas']['Task']
type Patch = Call<'updateTask'>['body']

export function tasks(db: Database) {
  const { read, lookup, change } = db
  const { opening, opener, opened, changed, cleared, listed, revision } = account(db)
  const { hasRoom, within } = quota(db, 'tasks')
  const columns = sql`t.id, t.title, t.description, t.completed, t.completed_at, t.priority, t.category_id,
    t.due_date, t.due_time, t.time_zone, t.labels, t.revision, t.created_at, t.updated_at`
  const given = {
    title: 'text',
    description: 'text',
    completed: 'boolean',
    priority: 'task_priority',
    categoryId: 'uuid',
    dueDate: 'date',
    dueTime: 'time',
    timeZone: 'text',
    labels: 'text[]',
  } as const

  const one = lookup({ owner: 'text', id: 'uuid' })<Task>`
    select ${columns}
    from tasks as t
    where owner_id = asked.owner and id = asked.id and deleted_at is null`
  // Each sort has its index, so that a list without conditions is quick however many tasks there are.
  const firstPages = Object.fromEntries(
    Object.entries(orders).map(([sort, order]) => [
      sort,
      lookup({ owner: 'text', count: 'integer' }, by(order))<Listed>`${inOrder(sql`asked.owner`, [], order, sql`asked.count`)}`,
    ]),
  ) as Record<Sort, (asked: { owner: string; count: number }) => Promise<Listed[]>>

  const inserted = (allowed: Part) => sql`
    ${opened(allowed)}
    insert into tasks as t (owner_id, id, title, description, completed_at, priority, category_id,
      due_date, due_time, time_zone, labels, revision)
    select change.owner_id, asked.id, asked.title, asked.description, case when asked.completed then now() end, asked.priority,
      asked.category_id, asked.due_date, asked.due_time, asked.time_zone, asked.labels, next
    from change join asked on asked.owner = change.owner_id`
  // What is there already, if only as a mark, needs no room.
  const room = sql`
    ${hasRoom} or exists (select from tasks as t join asked on asked.owner = u.id
      where t.owner_id = asked.owner and t.id = asked.id)`
  const replaced = sql`
    ${inserted(room)}
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
      deleted_at = null`
  const whole = { ...opening, id: 'uuid', ...given } as const
  const create = change(whole)<Task>`${inserted(hasRoom)} returning t.owner_id as owner, ${columns}`
  const replace = change(whole)<Task>`${replaced} returning t.owner_id as owner, ${columns}`
  const replaceMark = change(whole)<Task>`${replaced} where t.deleted_at is not null returning t.owner_id as owner, ${columns}`

  const row = sql`
    t.owner_id = asked.owner and t.id = asked.id and t.deleted_at is null
    and (asked.match is null or t.revision = any(asked.match))`
  const known = { owner: 'text', id: 'uuid', match: 'bigint[]' } as const
  // Null says that a field isn't given, but where it is among those to clear. Completing twice keeps the first instant.
  const update = change({ ...known, ...given, cleared: 'text[]' })<Task>`
    ${changed(sql`select from tasks as t where ${row}`)}
    update tasks as t
    set title = coalesce(asked.title, t.title),
      description = case when 'description' = any(asked.cleared) then null else coalesce(asked.description, t.description) end,
      completed_at = case
        when asked.completed is null then t.completed_at
        when asked.completed then coalesce(t.completed_at, now()) end,
      priority = coalesce(asked.priority, t.priority),
      category_id = case when 'categoryId' = any(asked.cleared) then null else coalesce(asked.category_id, t.category_id) end,
      due_date = case when 'dueDate' = any(asked.cleared) then null else coalesce(asked.due_date, t.due_date) end,
      due_time = case when 'dueTime' = any(asked.cleared) then null else coalesce(asked.due_time, t.due_time) end,
      time_zone = case when 'timeZone' = any(asked.cleared) then null else coalesce(asked.time_zone, t.time_zone) end,
      labels = coalesce(asked.labels, t.labels),
      revision = next,
      updated_at = now()
    from change join asked on asked.owner = change.owner_id
    where ${row}
    returning t.owner_id as owner, ${columns}`
  const mark = change(known)<Task>`
    ${changed(sql`select from tasks as t where ${row}`)}
    update tasks as t
    set deleted_at = now(), revision = next, updated_at = now()
    from change join asked on asked.owner = change.owner_id
    where ${row}
    returning t.owner_id as owner, ${columns}`

  const { get, put, patch, remove } = resource('tasks', {
    one,
    put: values => replace(values).catch(refused),
    putNew: values => replaceMark(values).catch(refused),
    update: (owner, id, match, body: Patch) => update({ ...body, owner, id, match, cleared: cleared(body) }).catch(refused),
    remove: (owner, id, match) => mark({ owner, id, match }),
    within,
  })

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
      const values = { ...body, ...opener(owner, claims), id: randomUUIDv7() }
      return created(await within(owner, () => create(values).catch(refused)), owner, 'tasks')
    },

    getTask: ({ owner, path, headers }) => get(owner, path.taskId, headers),

    putTask({ owner, claims, path, headers, body }) {
      return put({ ...body, ...opener(owner, claims), id: path.taskId }, body, headers)
    },

    updateTask: ({ owner, path, headers, body }) => patch(owner, path.taskId, body, headers),

    deleteTask: ({ owner, path, headers }) => remove(owner, path.taskId, headers),
  } satisfies Partial<Handlers>

  function inOrder(owner: Part, conditions: Part[], order: Order, count: Part) {
    const page = sql`
      (
        select ${columns}
        from tasks as t
        where owner_id = ${owner} and deleted_at is null ${joined(conditions)}
        order by ${by(order)}
        limit ${count}) as t`
    return listed(owner, columns, page)
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
}

type Listed = Task & { asOf: number }

function refused(error: unknown): never {
  if (errorCode(error) === '23503')
    throw invalid({ pointer: '/categoryId', location: 'body', code: 'notFound', message: 'must be the id of one of your categories' })
  if (violated(error) === 'tasks_due_time_needs_due_date')
    throw invalid({ pointer: '/dueTime', location: 'body', code: 'needsDueDate', message: 'needs a dueDate; clear both or none' })
  throw error
}
