// The properties of one VTODO as a task. A value that cannot be read is a fault: nothing is guessed.
import type { Properties, Property } from './calendar-properties.ts'
import { addDuration, type CalendarTime, dayIn, parseInstant, parseTime, readRule } from './calendar-time.ts'
import { idOf } from './ids.ts'
import type { Fault, Item } from './item.ts'
import { reminderOf } from './reminders.ts'
import { zoneOf } from './time-zones.ts'

type Read = { item: Item; faults: Fault[] }
type Times = { start: CalendarTime | null; due: CalendarTime | null }

const priorities = ['none', 'high', 'high', 'high', 'high', 'medium', 'low', 'low', 'low', 'low']
const states = new Map([
  ['NEEDS-ACTION', false],
  ['IN-PROCESS', false],
  ['COMPLETED', true],
  ['CANCELLED', true], // there is no third state, and the task is not open
])

export function taskOf(properties: Properties, alarms: readonly Properties[]): Read {
  const faults: Fault[] = []
  const uid = firstOf(properties, 'uid')
  const id = uid === undefined || uid === '' ? undefined : idOf(uid)
  const times = timesOf(properties, faults)
  const body = {
    ...(id !== undefined && { id }),
    title: firstOf(properties, 'summary') ?? '',
    description: firstOf(properties, 'description') || null,
    ...stateOf(properties),
    priority: priorityOf(properties, faults),
    parentId: parentOf(properties),
    ...datesOf(properties, times, faults),
    durationMinutes: numberOf(properties, 'x-taskspec-duration-minutes', faults),
    labels: [...new Set((properties.get('categories') ?? []).flatMap(({ values }) => values))].filter(label => label !== ''),
    recurrence: recurrenceOf(properties, times, faults),
    reminders: alarms.flatMap(alarm => remindersOf(alarm, times, faults)),
    ...present('sortKey', firstOf(properties, 'x-taskspec-sort-key')),
    ...present('createdAt', instantOf(properties, 'created')),
    ...present('updatedAt', instantOf(properties, 'last-modified')),
  }
  const category = firstOf(properties, 'x-taskspec-category') || null
  return { item: { kind: 'task', ...(id !== undefined && { id }), category, body }, faults }
}

function stateOf(properties: Properties) {
  const state = states.get(firstOf(properties, 'status')?.trim().toUpperCase() ?? '')
  const completed = state ?? (properties.has('completed') || firstOf(properties, 'percent-complete')?.trim() === '100')
  return { completed, completedAt: (completed && instantOf(properties, 'completed')) || null }
}

function priorityOf(properties: Properties, faults: Fault[]): string | undefined {
  const property = properties.get('priority')?.[0]
  if (property === undefined) return 'none'
  const priority = /^\d$/.test(property.values[0] ?? '') ? priorities[Number(property.values[0])] : undefined
  if (priority === undefined) refuse(property, 'Must be a number from 0 to 9.', 'row', faults)
  return priority
}

function parentOf(properties: Properties): string | null {
  const isParent = ({ params }: Property) => (params.get('reltype') ?? 'PARENT').toUpperCase() === 'PARENT'
  const parent = properties.get('related-to')?.find(isParent)?.values[0]
  return parent === undefined || parent === '' ? null : idOf(parent)
}

function timesOf(properties: Properties, faults: Fault[]): Times {
  const start = timeOf(properties.get('dtstart')?.[0], faults)
  const due = timeOf(properties.get('due')?.[0], faults)
  const duration = properties.get('duration')?.[0]
  if (due !== null || start === null || duration === undefined) return { start, due }
  const end = addDuration(start, duration.values[0] ?? '')
  if (end === null) refuse(duration, 'Must be a duration such as P1D or PT1H.', 'row', faults)
  return { start, due: end }
}

function timeOf(property: Property | undefined, faults: Fault[]): CalendarTime | null {
  if (property === undefined) return null
  const tzid = property.params.get('tzid')
  const zone = tzid === undefined ? null : zoneOf(tzid)
  if (tzid !== undefined && zone === null)
    return refuse(property, 'Its TZID must be a name from the IANA time zone database.', 'row', faults)
  const time = parseTime(property.values[0] ?? '', zone)
  return time ?? refuse(property, 'Must be a date such as 20270211, or a time such as 20270211T174000.', 'row', faults)
}

/** The start of a series that equals the due time only says where the series begins. */
function datesOf(properties: Properties, { start, due }: Times, faults: Fault[]) {
  const zone = due?.time == null ? null : due.zone
  const isAnchor = properties.has('rrule') && start?.date === due?.date && start?.time === due?.time
  const ownStart = dateOf(properties, 'x-taskspec-start-date', faults)
  return {
    dueDate: due?.date ?? null,
    dueTime: due?.time ?? null,
    timeZone: zone ?? (firstOf(properties, 'x-taskspec-time-zone') || null),
    startDate: ownStart ?? (start === null || isAnchor ? null : dayIn(zone, start)),
    deadlineDate: dateOf(properties, 'x-taskspec-deadline-date', faults),
  }
}

function dateOf(properties: Properties, name: string, faults: Fault[]): string | null {
  return timeOf(properties.get(name)?.[0], faults)?.date ?? null
}

function recurrenceOf(properties: Properties, { due }: Times, faults: Fault[]) {
  const [rule, ...more] = properties.get('rrule') ?? []
  const exceptions = [...more, ...(properties.get('exdate') ?? []), ...(properties.get('rdate') ?? [])]
  if (exceptions[0] !== undefined) refuse(exceptions[0], 'A series has one rule, and no exceptions.', 'value', faults)
  if (rule === undefined) return null
  if (due === null) return refuse(rule, 'A series needs a due date.', 'value', faults)
  const from = firstOf(properties, 'x-taskspec-recurrence-from') === 'COMPLETION' ? 'completion' : 'due'
  return { rule: readRule(rule.values[0] ?? '', due.time === null ? null : due.zone), from }
}

/** Alarms of a place have a date in the past, and ACTION:NONE means no alarm. */
function remindersOf(alarm: Properties, { start, due }: Times, faults: Fault[]) {
  const trigger = alarm.get('trigger')?.[0]
  if (trigger === undefined || alarm.has('x-apple-proximity') || firstOf(alarm, 'action') === 'NONE') return []
  const times = {
    start: start === null ? null : start.zone === due?.zone ? minuteOf(start) : Number.NaN,
    due: due === null ? null : minuteOf(due),
    isDay: due?.time === null,
  }
  const reminder = reminderOf(trigger.values[0] ?? '', (trigger.params.get('related') ?? 'START').toUpperCase(), times)
  if (reminder === null) refuse(trigger, 'A reminder is an instant in UTC, or some time before the task is due.', 'value', faults)
  return reminder === null ? [] : [reminder]
}

function numberOf(properties: Properties, name: string, faults: Fault[]): number | null {
  const property = properties.get(name)?.[0]
  if (property === undefined) return null
  return /^\d{1,9}$/.test(property.values[0] ?? '')
    ? Number(property.values[0])
    : refuse(property, 'Must be a whole number.', 'row', faults)
}

function instantOf(properties: Properties, name: string): string | null {
  return parseInstant(firstOf(properties, name) ?? '')
}

function minuteOf({ date, time }: CalendarTime): number {
  return Date.parse(`${date}T${time ?? '00:00'}Z`) / 60_000
}

function firstOf(properties: Properties, name: string): string | undefined {
  return properties.get(name)?.[0]?.values[0]
}

function present(name: string, value: string | null | undefined): Record<string, string> {
  return value === null || value === undefined ? {} : { [name]: value }
}

function refuse({ line, name }: Property, reason: string, lost: 'row' | 'value', faults: Fault[]): null {
  faults.push({ line, place: name.toUpperCase(), reason, lost })
  return null
}
