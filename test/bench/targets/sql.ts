// The statements of the targets. They are those that the server sends for one caller (a test compares them), in the cheapest form of
// the driver, with the settings of src/database and the same handling of rows. Two differences: an update names only the changed
// columns, while the server has one statement for all columns; and a search sorts every match, while the server reads a bounded number first.
import { randomUUIDv7 } from 'node:crypto'
import postgres from 'postgres'
import { detachRows, type Result, types } from '../../../src/database/types.ts'
import type { settings } from './settings.ts'

export type Task = { id: string; revision: number; createdAt: string }
export type Caller = { id: string; email: string | null; name: string | null }
export type Draft = {
  title: string
  description?: string | null
  completed?: boolean
  priority?: string
  categoryId?: string | null
  parentId?: string | null
  sortKey?: string | null
  dueDate?: string | null
  dueTime?: string | null
  startDate?: string | null
  deadlineDate?: string | null
  durationMinutes?: number | null
  timeZone?: string | null
  labels?: string[]
  reminders?: object[]
  recurrence?: object | null
}
export type Filter = { limit: number; completed?: boolean; priority?: string[]; q?: string }

const columns = `item.id, item.title, item.description, item.completed, item.completed_at, item.priority, item.category_id, item.parent_id, item.depth,
  coalesce(item.sort_key, 'm' || lpad(to_hex((extract(epoch from item.created_at at time zone 'UTC') * 1000000)::bigint), 13, '0')) as sort_key,
  item.due_date, item.due_time, item.start_date, item.deadline_date, item.duration_minutes, item.time_zone, item.labels, item.reminders, item.recurrence, item.next_occurrence_id,
  item.revision, item.created_at, item.updated_at`

// `text` has one $ for each value. The owner is bound at each place, as the server does.
const numbered = (text: string) => {
  let count = 0
  return text.replaceAll('$', () => `$${++count}`)
}
const get = numbered(`select ${columns} from tasks as item where item.owner_id = $ and item.id = $ and item.deleted_at is null`)
const revision = numbered('select revision from users where id = $')
const listWith = memoize(listText)
const updateWith = memoize(updateText)
const create = numbered(`
  with change as (
    update users as u
    set revision = u.revision + 1
    where u.id = $ and (u.revision < greatest(u.task_room, u.start_revision + 50000))
    returning u.id as owner_id, u.revision as next)
  insert into tasks as item (owner_id, id, title, description, completed_at, priority, category_id, parent_id, depth, sort_key,
    due_date, due_time, start_date, deadline_date, duration_minutes, time_zone, labels, reminders, recurrence, next_occurrence_id, revision,
    created_at, updated_at)
  select change.owner_id, $, $, $, case when $ then now() end, $, $, $, $,
    coalesce($, 'm' || lpad(to_hex((extract(epoch from now() at time zone 'UTC') * 1000000)::bigint), 13, '0')), $, $, $, $, $, $, $, $, $, $, next,
    now(), now()
  from change
  returning ${columns}`)

/** Reads and writes tasks. */
export function store(
  { databaseUrl, poolSize, maxPipeline, searchPath }: Pick<typeof settings, 'databaseUrl' | 'poolSize' | 'maxPipeline' | 'searchPath'>,
  debug?: (statement: string) => void,
) {
  const sql = postgres(databaseUrl, {
    max: poolSize,
    max_pipeline: maxPipeline,
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: 'bench', TimeZone: 'UTC', statement_timeout: 1_500, search_path: searchPath },
    transform: { column: postgres.camel.column },
    types,
    ...(debug && { debug: (_: number, statement: string) => debug(statement) }),
  } as postgres.Options<typeof types>)
  const send = async <Row extends object>(text: string, values: unknown[]) =>
    detachRows((await sql.unsafe(text, values as never[], { prepare: true }).values()) as unknown as Result) as Row[]

  return {
    async list(owner: string, { limit, completed, priority, q }: Filter) {
      const values: unknown[] = [owner, owner]
      let filters = ''
      const filter = (text: string, value: unknown) => {
        filters += text
        values.push(value)
      }
      if (completed !== undefined) filter(' and completed = $', completed)
      if (priority !== undefined) filter(' and priority = any($::text[]::task_priority[])', priority)
      if (q !== undefined) {
        values.push(owner)
        filter(' and words @@ search_query($, search_text($))', q)
      }
      values.push(limit + 1)
      return page(await send<Listed>(listWith(filters), values), limit)
    },
    async get(owner: string, id: string): Promise<Task | undefined> {
      return (await send<Task>(get, [owner, id]))[0]
    },
    async create({ id }: Caller, task: Draft): Promise<Task> {
      const { title, description = null, completed = false, priority = 'none', categoryId = null, parentId = null, sortKey = null } = task
      const { dueDate = null, dueTime = null, startDate = null, deadlineDate = null, durationMinutes = null } = task
      const { timeZone = null, labels = [], reminders = [], recurrence = null } = task
      const dates = [dueDate, dueTime, startDate, deadlineDate, durationMinutes, timeZone]
      const place = [categoryId, parentId, 0, sortKey]
      const values = [title, description, completed, priority, ...place, ...dates, labels, reminders, recurrence, null]
      const rows = await send<Task>(create, [id, randomUUIDv7(), ...values])
      return rows[0] as Task
    },
    async update(owner: string, id: string, patch: object): Promise<Task | undefined> {
      const { completed, ...columns } = patch as Draft
      const set = Object.keys(columns).map(name => `"${postgres.fromCamel(name)}"=$`)
      if (completed !== undefined) set.push(`"completed_at"=${completed ? 'coalesce(item.completed_at, now())' : 'null'}`)
      return (await send<Task>(updateWith(set.join(',')), [owner, owner, id, ...Object.values(columns), owner, id]))[0]
    },
    /** The revision of the account, which is the ETag of its lists. */
    async revision(owner: string): Promise<number> {
      return (await send<{ revision: number }>(revision, [owner]))[0]?.revision ?? 0
    },
    close: () => sql.end({ timeout: 1 }),
  }
}

function listText(filters: string) {
  return numbered(`
    with account as (
      select revision as as_of, revision - start_revision as changes
      from users
      where id = $)
    select as_of, ${columns}
    from account left join lateral (
      select ${columns}
      from tasks as item
      where owner_id = $ and deleted_at is null${filters}
      order by created_at desc, id desc
      limit $) as item on true${filters === '' ? '' : ' where changes < 1000'}
    order by created_at desc, id desc`)
}

function updateText(set: string) {
  return numbered(`
    with change as (
      update users set revision = revision + 1
      where id = $ and exists (
        select
        from tasks as item
        where item.owner_id = $ and item.id = $ and item.deleted_at is null)
      returning revision as next)
    update tasks as item
    set ${set}, revision = change.next, updated_at = now()
    from change
    where item.owner_id = $ and item.id = $ and item.deleted_at is null
    returning ${columns}`)
}

/** Computes the text for each part once. There are few parts: they come from the schema. */
function memoize(text: (part: string) => string) {
  const texts = new Map<string, string>()
  return (part: string) => {
    let result = texts.get(part)
    if (result === undefined) {
      result = text(part)
      texts.set(part, result)
    }
    return result
  }
}

type Listed = Task & { asOf: number | undefined }

function page(rows: Listed[], limit: number) {
  const revision = rows[0]?.asOf ?? 0
  if (rows[0]?.id === null) rows.length = 0 // an account without tasks
  const more = rows.length > limit
  if (more) rows.length = limit
  for (const row of rows) row.asOf = undefined // JSON.stringify omits undefined; `delete` would make the object slow
  const last = rows.at(-1) as Task
  const nextCursor = more ? Buffer.from(JSON.stringify(['-createdAt', last.createdAt, last.id])).toString('base64url') : null
  return { revision, body: { items: rows as Task[], nextCursor } }
}
