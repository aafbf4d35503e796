// When tasks are due. Temporal is the judge of the time zones of PostgreSQL.
import type { Temporal as Api } from 'temporal-spec'
import type { State, Task } from './state.ts'

// TypeScript 5 has no types of Temporal.
declare const Temporal: typeof Api

const msPerMinute = 60_000

/**
 * The instant of a wall clock, in milliseconds. `24:00` is the end of the day. A time that the clocks skip is as much later, and of one that
 * comes twice the second counts.
 */
function instantOf(day: string, time: string, zone: string): number {
  const date = time === '24:00' ? Temporal.PlainDate.from(day).add({ days: 1 }) : Temporal.PlainDate.from(day)
  const wallClock = date.toPlainDateTime(time === '24:00' ? '00:00' : time)
  return wallClock.toZonedDateTime(zone, { disambiguation: 'later' }).epochMilliseconds
}

export const profileZone = ({ profile }: State): string => profile?.timeZone ?? 'UTC'

/** The instant at which a task is due; `otherwise` is the time of day of a task without one. */
export function dueAt(state: State, { dueDate, dueTime, timeZone }: Task, otherwise: string): number | undefined {
  return dueDate === null ? undefined : instantOf(dueDate, dueTime ?? otherwise, timeZone ?? profileZone(state))
}

/** Whether a task is open and overdue at a minute since 1970. Without a time it is when its day is over. */
export function isOverdue(state: State, task: Task, minute: number): boolean {
  const at = dueAt(state, task, '24:00')
  return !task.completed && at !== undefined && at <= minute * msPerMinute
}

/** The day of a zone at a minute. */
export const dayAt = (minute: number, zone: string): string =>
  Temporal.Instant.fromEpochMilliseconds(minute * msPerMinute)
    .toZonedDateTimeISO(zone)
    .toPlainDate()
    .toString()

export const daysAfter = (day: string, days: number): string => Temporal.PlainDate.from(day).add({ days }).toString()
