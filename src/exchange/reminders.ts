// Reminders as VALARM, and back. A trigger of iCalendar is relative to the due time, and for a whole day to its beginning; here, such a task
// counts as due at 09:00.
import { line } from './calendar-text.ts'
import { compactInstant, parseInstant } from './calendar-time.ts'
import type { NamedTask } from './item.ts'

type Reminder = NamedTask['reminders'][number]
/** `start` and `due` as minutes on the same clock, to compare them; null where there is none. `isDay`: the task has no time. */
type Times = { start: number | null; due: number | null; isDay: boolean }

const dueMinuteOfDay = 540

/** `to` is the end of the component that has the due time: a VTODO ends then, a VEVENT begins. */
export function alarm({ at, minutesBefore }: Reminder, { dueTime }: NamedTask, to: 'START' | 'END'): string {
  const offset = (dueTime === null ? dueMinuteOfDay : 0) - (minutesBefore ?? 0)
  const duration = `${offset < 0 ? '-' : ''}PT${Math.abs(offset)}M`
  const trigger = at === null ? line(`TRIGGER;RELATED=${to}`, duration) : line('TRIGGER;VALUE=DATE-TIME', compactInstant(at))
  return line('BEGIN', 'VALARM') + line('ACTION', 'DISPLAY') + line('DESCRIPTION', 'Reminder') + trigger + line('END', 'VALARM')
}

/** The reminder of a trigger. A trigger after the task is due, or relative to a time that is not there, has none: null. */
export function reminderOf(trigger: string, related: string, { start, due, isDay }: Times): Reminder | null {
  const at = parseInstant(trigger)
  if (at !== null) return { at, minutesBefore: null }
  const offset = minutesOf(trigger)
  if (offset === null || due === null) return null
  // Without a start, clients mean the due time, whatever they say.
  const from = related === 'END' || start === null ? due : start
  const minutesBefore = due + (isDay ? dueMinuteOfDay : 0) - from - offset
  return minutesBefore < 0 ? null : { at: null, minutesBefore }
}

/** Seconds are dropped towards the earlier minute. */
function minutesOf(duration: string): number | null {
  const [, sign, weeks, days, hours, minutes, seconds] =
    /^([+-]?)P(?:(\d{1,3})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?$/.exec(duration) ?? []
  if (sign === undefined || !/\d/.test(duration)) return null
  const total = [weeks, days, hours, minutes, seconds].map(text => Number(text ?? 0))
  const [w, d, h, m, s] = total as [number, number, number, number, number]
  const exact = ((w * 7 + d) * 24 + h) * 60 + m + s / 60
  return Math.floor(sign === '-' ? -exact : exact)
}
