// The filters of tasks by their dates.
import type { Call } from '../contract/types.ts'
import { type Part, sql } from '../database/sql.ts'
import { mayUse } from './access.ts'

type Query = Call<'listTasks'>['query']

const msPerMinute = 60_000
const maxOffsetMinutes = 14 * 60 // of a time zone from UTC: Pacific/Kiritimati

// As the index of the sort `dueDate` has it, so that a filter can use that index.
const dueDate = sql`coalesce(due_date, 'infinity'::date)`

/**
 * The minute of the clock, since 1970, for a list that depends on it; undefined for any other. Due times and the offsets of time zones are
 * whole minutes, so within a minute no task becomes overdue.
 */
export function minuteOf({ overdue }: Query): number | undefined {
  return overdue === undefined ? undefined : Math.floor(Date.now() / msPerMinute)
}

/** Conditions that begin with `and`. `minute` is the one of the query. */
export function dateFilters(owner: string, query: Query, minute = 0): Part[] {
  return [
    query.dueFrom === undefined ? [] : sql`and ${dueDate} >= ${query.dueFrom} and ${dueDate} < 'infinity'`,
    query.dueTo === undefined ? [] : sql`and ${dueDate} <= ${query.dueTo}`,
    query.startFrom === undefined ? [] : sql`and start_date >= ${query.startFrom}`,
    query.startTo === undefined ? [] : sql`and start_date <= ${query.startTo}`,
    query.deadlineFrom === undefined ? [] : sql`and deadline_date >= ${query.deadlineFrom}`,
    query.deadlineTo === undefined ? [] : sql`and deadline_date <= ${query.deadlineTo}`,
    query.overdue === undefined
      ? []
      : query.overdue
        ? sql`and ${isOverdue(owner, minute)}`
        : sql`and (${isOverdue(owner, minute)}) is not true`,
  ].flat()
}

/** The bound on the date serves the index: no day after it has begun anywhere. */
function isOverdue(owner: string, minute: number): Part {
  const latestDay = instantOf(minute + maxOffsetMinutes).slice(0, 10)
  return sql`
    completed_at is null and ${dueDate} <= ${latestDay}
    and instant_of(due_date + coalesce(due_time, '24:00'::time), ${timeZone(owner)}) <= ${instantOf(minute)}`
}

const instantOf = (minute: number) => new Date(minute * msPerMinute).toISOString()

/** The time zone of a task, else of the profile, else UTC. */
export const timeZone = (owner: string): Part => sql`
  coalesce(item.time_zone, (select time_zone from users where ${mayUse(sql`id`, sql`${owner}`)}), 'UTC')`
