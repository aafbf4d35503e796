// The filters of tasks by their dates.
import type { Call } from '../contract/types.ts'
import { type Part, sql } from '../database/sql.ts'
import { mayUse } from './access.ts'

type Query = Call<'listTasks'>['query']

const msPerMinute = 60_000
const minutesPerDay = 24 * 60
const maxOffsetMinutes = 14 * 60 // of a time zone from UTC: Pacific/Kiritimati

// As the index of the sort `dueDate` has it, so that a filter can use that index.
const dueDate = sql`coalesce(due_date, 'infinity'::date)`

/**
 * The minute of the clock, since 1970, for a representation that depends on it. Due times and the offsets of time zones are whole minutes,
 * so within a minute no task becomes overdue and no day ends.
 */
export const currentMinute = (): number => Math.floor(Date.now() / msPerMinute)

/** The minute for a list that depends on it; undefined for any other. */
export function minuteOf({ overdue }: Query): number | undefined {
  return overdue === undefined ? undefined : currentMinute()
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

const isOverdue = (owner: string, minute: number): Part => sql`completed_at is null and ${isPast(owner, minute)}`

/**
 * Whether the task `item` is due at the minute or earlier. The bounds on the date come first: after the later one, which serves the index,
 * no day has begun anywhere; before the earlier one, every day is over everywhere. They leave a few days for `instant_of`, which is slow.
 */
export function isPast(owner: string, minute: number): Part {
  return sql`
    ${dueDate} <= ${dayOf(minute + maxOffsetMinutes)}
    and (${dueDate} < ${dayOf(minute - minutesPerDay - maxOffsetMinutes)}
      or instant_of(due_date + coalesce(due_time, '24:00'::time), ${timeZone(owner)}) <= ${instantOf(minute)})`
}

/** The last day that has begun in the time zone of the profile. */
export function today(owner: string, minute: number): Part {
  const days = [-1, 0, 1].map(days => dayOf(minute + days * minutesPerDay))
  return sql`(select max(day) from unnest(${days}::text[]::date[]) as each (day) where instant_of(day, ${profileZone(owner)}) <= ${instantOf(minute)})`
}

/** The time zone of a task, else of the profile, else UTC. */
export const timeZone = (owner: string): Part => sql`coalesce(item.time_zone, ${profileZone(owner)})`

/** The time zone of the profile, else UTC. */
export const profileZone = (owner: string): Part => sql`
  coalesce((select time_zone from users where ${mayUse(sql`id`, sql`${owner}`)}), 'UTC')`

const instantOf = (minute: number) => new Date(minute * msPerMinute).toISOString()
const dayOf = (minute: number) => instantOf(minute).slice(0, 10)
