import { describe, expect, test } from 'vitest'
import { writeEvents, writeTodos } from '../../src/exchange/calendar.ts'
import type { NamedTask } from '../../src/exchange/item.ts'
import { each, text } from './read.ts'

const task: NamedTask = {
  ...{ id: '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12', title: 'Pack; go, now', description: 'two\r\nlines \\ more', completed: false },
  ...{
    completedAt: null,
    priority: 'high',
    categoryId: null,
    category: 'Home',
    parentId: '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f13',
    depth: 1,
  },
  ...{ dueDate: '2027-02-11', dueTime: '18:00', startDate: '2027-02-01', deadlineDate: '2027-02-12', durationMinutes: 90 },
  ...{ timeZone: 'Europe/Berlin', labels: ['a', 'b, c'], recurrence: null, nextOccurrenceId: null, sortKey: 'a0', revision: 1 },
  ...{ createdAt: '2027-01-01T00:00:00Z', updatedAt: '2027-01-02T00:00:00.123456Z' },
  reminders: [
    { at: null, minutesBefore: 15 },
    { at: '2027-02-11T10:00:00.5Z', minutesBefore: null },
  ],
}
const calendar = [
  'BEGIN:VCALENDAR',
  'VERSION:2.0',
  'PRODID:-//Taskspec//Taskspec//EN',
  'CALSCALE:GREGORIAN',
  'NAME:My\\, tasks',
  'X-WR-CALNAME:My\\, tasks',
]
const common = [
  ...['UID:019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12', 'DTSTAMP:20270102T000000Z', 'CREATED:20270101T000000Z', 'LAST-MODIFIED:20270102T000000Z'],
  ...['SEQUENCE:221011200', 'SUMMARY:Pack\\; go\\, now', 'DESCRIPTION:two\\nlines \\\\ more', 'PRIORITY:1', 'CATEGORIES:a,b\\, c'],
]
const alarms = (related: string) => [
  ...['BEGIN:VALARM', 'ACTION:DISPLAY', 'DESCRIPTION:Reminder', `TRIGGER;RELATED=${related}:-PT15M`, 'END:VALARM'],
  ...['BEGIN:VALARM', 'ACTION:DISPLAY', 'DESCRIPTION:Reminder', 'TRIGGER;VALUE=DATE-TIME:20270211T100000Z', 'END:VALARM'],
]
const linesOf = async (parts: AsyncIterable<string>) => (await text(parts)).split('\r\n')
/** The times of a task as VTODO. */
const timesOf = async (fields: Partial<NamedTask>) =>
  (await linesOf(writeTodos(each({ ...task, reminders: [], ...fields }), ''))).filter(line =>
    /^(DUE|DTSTART|RRULE|X-TASKSPEC-(START|TIME|REC)|TRIGGER)/.test(line),
  )

test('a task as VTODO', async () => {
  expect(await linesOf(writeTodos(each(task), 'My, tasks'))).toEqual([
    ...[...calendar, 'BEGIN:VTODO', ...common, 'STATUS:NEEDS-ACTION'],
    ...['DUE;TZID=Europe/Berlin:20270211T180000', 'DTSTART;TZID=Europe/Berlin:20270201T000000', `RELATED-TO:${task.parentId}`],
    ...[
      'X-TASKSPEC-DEADLINE-DATE;VALUE=DATE:20270212',
      'X-TASKSPEC-DURATION-MINUTES:90',
      'X-TASKSPEC-CATEGORY:Home',
      'X-TASKSPEC-SORT-KEY:a0',
    ],
    ...[...alarms('END'), 'END:VTODO', 'END:VCALENDAR', ''],
  ])
})

test('a task as VEVENT', async () => {
  const times = ['DTSTART;TZID=Europe/Berlin:20270211T180000', 'DURATION:PT90M', 'TRANSP:TRANSPARENT']
  const written = [...calendar, 'BEGIN:VEVENT', ...common, ...times, ...alarms('START'), 'END:VEVENT', 'END:VCALENDAR', '']
  expect(await linesOf(writeEvents(each(task), 'My, tasks'))).toEqual(written)
  const hidden = [
    { ...task, dueDate: null },
    { ...task, completed: true, completedAt: task.createdAt },
  ]
  expect(await linesOf(writeEvents(each(...hidden), 'My, tasks'))).toEqual([...calendar, 'END:VCALENDAR', ''])
})

test('a completed task', async () => {
  const lines = await linesOf(writeTodos(each({ ...task, completed: true, completedAt: '2027-02-11T17:40:03.118402Z' }), ''))
  expect(lines).toEqual(expect.arrayContaining(['STATUS:COMPLETED', 'COMPLETED:20270211T174003Z', 'PERCENT-COMPLETE:100']))
})

describe('times', () => {
  const day = { dueTime: null, timeZone: null }
  const series = { rule: 'FREQ=DAILY;UNTIL=20271231', from: 'due' as const }
  test.each<[string, Partial<NamedTask>, string[]]>([
    ['a day', { ...day, startDate: null }, ['DUE;VALUE=DATE:20270211']],
    ['a day with a zone', { dueTime: null, startDate: null }, ['DUE;VALUE=DATE:20270211', 'X-TASKSPEC-TIME-ZONE:Europe/Berlin']],
    ['the time of whoever looks', { timeZone: null, startDate: null }, ['DUE:20270211T180000']],
    ['a time in UTC', { timeZone: 'UTC' }, ['DUE:20270211T180000Z', 'DTSTART:20270201T000000Z']],
    ['a start without a due date', { ...day, dueDate: null }, ['DTSTART;VALUE=DATE:20270201']],
    ['an earlier start', day, ['DUE;VALUE=DATE:20270211', 'DTSTART;VALUE=DATE:20270201']],
    [
      'a start on the same day',
      { ...day, startDate: '2027-02-11' },
      ['DUE;VALUE=DATE:20270211', 'X-TASKSPEC-START-DATE;VALUE=DATE:20270211'],
    ],
    ['a start on the day of a time', { timeZone: null, startDate: '2027-02-11' }, ['DUE:20270211T180000', 'DTSTART:20270211T000000']],
    [
      'a series',
      { recurrence: series },
      [
        ...['DUE;TZID=Europe/Berlin:20270211T180000', 'DTSTART;TZID=Europe/Berlin:20270211T180000'],
        ...['X-TASKSPEC-START-DATE;VALUE=DATE:20270201', 'RRULE:FREQ=DAILY;UNTIL=20271231T225959Z'],
      ],
    ],
    [
      'a series of days from the completion',
      { ...day, startDate: null, recurrence: { ...series, from: 'completion' } },
      [
        ...['DUE;VALUE=DATE:20270211', 'DTSTART;VALUE=DATE:20270211', 'RRULE:FREQ=DAILY;UNTIL=20271231'],
        'X-TASKSPEC-RECURRENCE-FROM:COMPLETION',
      ],
    ],
    [
      'reminders of a day, which is due at 09:00',
      { ...day, startDate: null, reminders: [0, 540, 600].map(minutesBefore => ({ at: null, minutesBefore })) },
      ['DUE;VALUE=DATE:20270211', 'TRIGGER;RELATED=END:PT540M', 'TRIGGER;RELATED=END:PT0M', 'TRIGGER;RELATED=END:-PT60M'],
    ],
  ])('%s', async (_, fields, lines) => {
    expect(await timesOf(fields)).toEqual(lines)
  })
})

test('a text of which nothing is kept has no property', async () => {
  const lines = await linesOf(writeTodos(each({ ...task, reminders: [], description: '\u0001', category: '\u0001' }), ''))
  expect(lines.filter(line => /^(DESCRIPTION|X-TASKSPEC-CATEGORY)/.test(line))).toEqual([])
})

test('an event repeats only if its next date is known', async () => {
  const rulesOf = async (from: 'due' | 'completion') =>
    (await linesOf(writeEvents(each({ ...task, recurrence: { rule: 'FREQ=DAILY', from } }), ''))).filter(line => line.startsWith('RRULE'))
  expect(await rulesOf('due')).toEqual(['RRULE:FREQ=DAILY'])
  expect(await rulesOf('completion')).toEqual([])
})

test('lines have at most 75 bytes, and no character is cut', async () => {
  const title = 'ä😀x'.repeat(100)
  const lines = await linesOf(writeTodos(each({ ...task, title }), ''))
  expect(Math.max(...lines.map(line => Buffer.byteLength(line)))).toBe(75)
  expect(lines.filter(line => !line.isWellFormed())).toEqual([])
  expect(lines.join('\r\n').replaceAll('\r\n ', '')).toContain(`SUMMARY:${title}\r\n`)
})

test('the largest task fits into the bounds of the reader', async () => {
  const wide = '😀'
  const labels = Array.from({ length: 50 }, (_, i) => `${i}${wide.repeat(48)}`)
  const largest = { ...task, title: wide.repeat(500), description: wide.repeat(10_000), category: wide.repeat(100), labels }
  const reminders = Array.from({ length: 10 }, () => ({ at: null, minutesBefore: 525_600 }))
  expect(Buffer.byteLength(await text(writeTodos(each({ ...largest, reminders }), '')))).toBeLessThan(60 * 1024)
})
