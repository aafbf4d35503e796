// The reminders of tasks: the field, and the list of those that fall due.
import type { components } from '../../generated/api.ts'
import { invalid } from '../contract/problem.ts'
import type { Call } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { flattened, type Part, sql } from '../database/sql.ts'
import { columnsOf, required, type Stored } from '../resource/fields.ts'
import { createPage, parseCursor, refuseCursor } from '../resource/page.ts'
import { mayUse } from './access.ts'
import { timeZone } from './dates.ts'
import { withRevision } from './revision.ts'

export type DueReminder = components['schemas']['DueReminder']
type Reminders = NonNullable<Call<'createTask'>['body']['reminders']>
type Query = Call<'listReminders'>['query']
/** A reminder by its instant and its task. */
type Place = { at: string; id: string }
/** `reminder` is the next one if it is due by now. Otherwise none is due before `at`. */
type NextReminder = { at: string; reminder: DueReminder | undefined }

const sort = 'at'
const order = sql`at, task_id`
const columns = columnsOf(['taskId', 'title', 'at', 'dueDate', 'dueTime', 'timeZone'])
const wallClock = sql`item.due_date + coalesce(item.due_time, '09:00'::time)`
// Of any time zone from UTC: 14 hours today, 15:56 in Manila until 1844.
const maxOffset = sql`interval '16 hours'`
// A reminder that is older is of no use any more.
const maxDelay = sql`interval '24 hours'`
const horizon = sql`interval '1 hour'`

/** Without a due date there are none before it. */
const stored: Stored = {
  column: 'reminders',
  shows: ['reminders'],
  insert: value => value,
  update: (value, cleared) => sql`
    case
      when ${value} is not null then ${value}
      when 'dueDate' = any(${cleared}) then jsonb_path_query_array(item.reminders, '$[*] ? (@.minutesBefore == null)')
      else item.reminders
    end`,
}
export const remindersField = required('jsonb', stored)

/**
 * Throws 422 for each of the reminders that needs a due date, if there is none. This is no constraint, because the previous release does not
 * know reminders when it clears a date. If another request clears it at the same time, such a reminder just never falls due.
 */
export function requireDueDate(reminders: Reminders, dueDate: string | null): void {
  if (dueDate !== null || !reminders.some(isRelative)) return
  const error = { location: 'body', code: 'needsDueDate', message: 'needs a dueDate' } as const
  throw invalid(...reminders.flatMap((each, i) => (isRelative(each) ? { pointer: `/reminders/${i}`, ...error } : [])))
}

export const isRelative = ({ minutesBefore }: Reminders[number]): boolean => typeof minutesBefore === 'number'

export function createReminders({ read }: Pick<Database, 'read'>) {
  return {
    /** A page of the reminders that fall due, with the revision of the account at the same instant. */
    async list(owner: string, { from, to, limit, cursor }: Query) {
      const after = cursor === undefined ? sql`` : afterCursor(cursor)
      const page = due(owner, sql`${from}::timestamptz`, sql`${to}::timestamptz`, after, limit + 1)
      const found = await read<DueReminder & { asOf: number }>(
        'select reminders',
        sql`${withRevision(sql`${owner}`, columns, page)} order by ${order}`,
      ).catch(cursor === undefined ? undefined : refuseCursor)
      return createPage(found, limit, sort, ({ at }) => at, 'taskId')
    },

    /** The first reminder after one, or when to look for it again: it reads only those of the next hour. */
    async next(owner: string, { at, id }: Place): Promise<NextReminder> {
      const from = sql`greatest(${at}::timestamptz, now() - ${maxDelay})`
      const page = due(owner, from, sql`(now() + ${horizon})`, sql`and (reminder.at, item.id) > (${at}, ${id})`, 1)
      const [found] = await read<DueReminder & { isDue: boolean; until: string }>(
        'select next reminder',
        sql`
          select clock.until, item.at <= now() as is_due, ${columns}
          from (select now() + ${horizon} as until) as clock left join ${page} on true`,
      )
      const { isDue, until, ...reminder } = found as NonNullable<typeof found>
      return { at: reminder.at ?? until, reminder: isDue ? reminder : undefined }
    },

    /** One reminder, if it still falls due at this instant. */
    async one(owner: string, { at, id }: Place): Promise<DueReminder | undefined> {
      const instant = sql`${at}::timestamptz`
      const page = due(owner, instant, sql`(${instant} + interval '1 microsecond')`, sql`and item.id = ${id}`, 1)
      const [found] = await read<DueReminder>('select reminder', sql`select ${columns} from ${page}`)
      return found
    },
  }
}

function afterCursor(cursor: string): Part {
  const { key, id } = parseCursor(cursor, sort)
  return sql`and (reminder.at, item.id) > (${key}, ${id})`
}

/** The two conditions on the edges serve the index. They let pass more tasks than those whose reminders the time zone then shows to fall due. */
function due(owner: string, from: Part, to: Part, after: Part, count: number): Part {
  return sql`
    (
      select item.id as task_id, item.title, reminder.at, item.due_date, item.due_time, item.time_zone
      from tasks as item
      cross join lateral (select instant_of(${wallClock}, ${timeZone(owner)}) as at) as task
      cross join lateral (
        select distinct coalesce(each.at, task.at - make_interval(mins => each."minutesBefore")) as at
        from jsonb_to_recordset(item.reminders) as each (at timestamptz, "minutesBefore" integer)) as reminder
      where ${mayUse(sql`item.owner_id`, sql`${owner}`)} and item.deleted_at is null and item.completed_at is null and item.reminders <> '[]'
        and ${lastEdge} >= ${from} at time zone 'UTC' - ${maxOffset} and ${firstEdge} < ${to} at time zone 'UTC' + ${maxOffset}
        and reminder.at >= ${from} and reminder.at < ${to} ${after}
      order by reminder.at, item.id
      limit ${count}) as item`
}

const lastEdge = flattened(sql`reminder_edge(item.reminders, ${wallClock}, true)`)
const firstEdge = flattened(sql`reminder_edge(item.reminders, ${wallClock}, false)`)
