// Tasks as iCalendar (RFC 5545, 7986): as VTODO for clients of tasks, and as VEVENT for calendars that show no VTODO.
import { fold, line, textLine } from './calendar-text.ts'
import { type CalendarTime, compactDate, compactInstant, timeProperty, writeRule } from './calendar-time.ts'
import type { NamedTask } from './item.ts'
import { alarm } from './reminders.ts'

const priorities = { none: '', low: line('PRIORITY', '9'), medium: line('PRIORITY', '5'), high: line('PRIORITY', '1') }

type Write = (tasks: AsyncIterable<NamedTask>, name: string, refreshInterval?: string) => AsyncGenerator<string, void>

/** `name` is the name that clients show for the calendar, and `refreshInterval` how long they wait before they read it again. */
export const writeTodos: Write = (tasks, name, refreshInterval) => wrap(tasks, todo, name, refreshInterval)

/** Only the open tasks with a due date; the others are left out. */
export const writeEvents: Write = (tasks, name, refreshInterval) => wrap(tasks, event, name, refreshInterval)

async function* wrap(tasks: AsyncIterable<NamedTask>, write: (task: NamedTask) => string, name: string, refreshInterval?: string) {
  const version = line('VERSION', '2.0') + line('PRODID', '-//Taskspec//Taskspec//EN') + line('CALSCALE', 'GREGORIAN')
  yield line('BEGIN', 'VCALENDAR') + version + textLine('NAME', name) + textLine('X-WR-CALNAME', name)
  // The second is what programs read from before RFC 7986.
  if (refreshInterval !== undefined)
    yield line('REFRESH-INTERVAL;VALUE=DURATION', refreshInterval) + line('X-PUBLISHED-TTL', refreshInterval)
  for await (const task of tasks) yield write(task)
  yield line('END', 'VCALENDAR')
}

function todo(task: NamedTask): string {
  const due = dueOf(task)
  return [
    line('BEGIN', 'VTODO'),
    common(task),
    task.completedAt === null
      ? line('STATUS', 'NEEDS-ACTION')
      : line('STATUS', 'COMPLETED') + line('COMPLETED', compactInstant(task.completedAt)) + line('PERCENT-COMPLETE', '100'),
    due === null ? '' : fold(timeProperty('DUE', due)),
    startLines(task, due),
    due === null ? '' : ruleLines(task, due),
    textLine('RELATED-TO', task.parentId),
    task.deadlineDate === null ? '' : line('X-TASKSPEC-DEADLINE-DATE;VALUE=DATE', compactDate(task.deadlineDate)),
    // DURATION would say when the task is due, and is not allowed beside DUE.
    task.durationMinutes === null ? '' : line('X-TASKSPEC-DURATION-MINUTES', String(task.durationMinutes)),
    task.dueTime === null ? textLine('X-TASKSPEC-TIME-ZONE', task.timeZone) : '',
    textLine('X-TASKSPEC-CATEGORY', task.category),
    textLine('X-TASKSPEC-SORT-KEY', task.sortKey),
    ...task.reminders.map(reminder => alarm(reminder, task, 'END')),
    line('END', 'VTODO'),
  ].join('')
}

function event(task: NamedTask): string {
  const due = dueOf(task)
  if (task.completed || due === null) return ''
  const hasDuration = due.time !== null && task.durationMinutes !== null
  return [
    line('BEGIN', 'VEVENT'),
    common(task),
    fold(timeProperty('DTSTART', due)),
    hasDuration ? line('DURATION', `PT${task.durationMinutes}M`) : '',
    line('TRANSP', 'TRANSPARENT'),
    // The next date after a completion is not known yet.
    task.recurrence?.from === 'due' ? fold(`RRULE:${writeRule(task.recurrence.rule, due)}`) : '',
    ...task.reminders.map(reminder => alarm(reminder, task, 'START')),
    line('END', 'VEVENT'),
  ].join('')
}

function common(task: NamedTask): string {
  return [
    line('UID', task.id),
    line('DTSTAMP', compactInstant(task.updatedAt)),
    line('CREATED', compactInstant(task.createdAt)),
    line('LAST-MODIFIED', compactInstant(task.updatedAt)),
    line('SEQUENCE', String(sequenceOf(task))),
    textLine('SUMMARY', task.title),
    textLine('DESCRIPTION', task.description),
    priorities[task.priority],
    textLine('CATEGORIES', ...task.labels),
  ].join('')
}

/** Seconds since 2020: a revision is too large for the 31 bits of an INTEGER. */
function sequenceOf({ updatedAt }: NamedTask): number {
  return Math.max(0, Math.floor((Date.parse(updatedAt) - Date.UTC(2020)) / 1000))
}

function dueOf({ dueDate, dueTime, timeZone }: NamedTask): CalendarTime | null {
  return dueDate === null ? null : { date: dueDate, time: dueTime, zone: timeZone }
}

/**
 * DTSTART must be of the kind of DUE, and earlier; a start that is not gets a property of its own. A series must have a DTSTART, which its
 * dates count from: it is the due time, as Apple's Reminders writes it, although then it is not earlier.
 */
function startLines({ startDate, recurrence }: NamedTask, due: CalendarTime | null): string {
  const own = startDate === null ? '' : line('X-TASKSPEC-START-DATE;VALUE=DATE', compactDate(startDate))
  if (due !== null && recurrence !== null) return fold(timeProperty('DTSTART', due)) + own
  if (startDate === null) return ''
  const start = { date: startDate, time: due === null || due.time === null ? null : '00:00', zone: due?.zone ?? null }
  const isEarlier = due === null || start.date + (start.time ?? '') < due.date + (due.time ?? '')
  return isEarlier ? fold(timeProperty('DTSTART', start)) : own
}

function ruleLines({ recurrence }: NamedTask, due: CalendarTime): string {
  if (recurrence === null) return ''
  const from = recurrence.from === 'completion' ? line('X-TASKSPEC-RECURRENCE-FROM', 'COMPLETION') : ''
  return fold(`RRULE:${writeRule(recurrence.rule, due)}`) + from
}
