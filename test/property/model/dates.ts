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

/** The day of a zone at an instant. */
export const dayOf = (at: string, zone: string): string => dayAt(Date.parse(at) / msPerMinute, zone)

export const daysBetween = (from: string, to: string): number => Temporal.PlainDate.from(from).until(to).days

/** A date some days later, of the years 0001 to 9999. */
export function moveDate(day: string, days: number): string {
  const moved = daysAfter(day, days)
  if (moved.startsWith('+')) return '9999-12-31'
  return moved < '0001' ? '0001-01-01' : moved
}

/** An instant some days later by the wall clock, of the years 0001 to 9999 in UTC. */
export function moveInstant(at: string, days: number, zone: string): string {
  const moved = Temporal.Instant.from(at).toZonedDateTimeISO(zone).add({ days }).toInstant().toString()
  if (moved.startsWith('+')) return '9999-12-31T23:59:59Z'
  return moved < '0001' ? '0001-01-01T00:00:00Z' : moved
}

export const daysAfter = (day: string, days: number): string => Temporal.PlainDate.from(day).add({ days }).toString()
