// The CSV that Todoist exports ("Export as template"): sections, tasks and notes in one list, with subtasks by their indent. It has no ids.
import { hashedId } from '../contract/hashed-id.ts'
import { isTimeZone } from '../contract/time-zone.ts'
import type { CsvOptions, RecordReader } from './csv-records.ts'
import { type Due, parseDate, parseDue } from './due-text.ts'
import type { Row } from './item.ts'

export const todoistColumns: readonly string[] = (
  'TYPE,CONTENT,DESCRIPTION,IS_COLLAPSED,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,' +
  'DATE,DATE_LANG,TIMEZONE,DURATION,DURATION_UNIT,DEADLINE,DEADLINE_LANG'
).split(',')

type Values = ReadonlyMap<string, string>
type Task = { line: number; id: string; category: string | null; body: Record<string, unknown> & { description: string | null } }
type Refusal = { place: string; reason: string }

/** Priority 1 is the highest, and 4 none. An empty one is none too, although the import of Todoist makes it 1. */
const priorities = new Map(Object.entries({ 1: 'high', 2: 'medium', 3: 'low', 4: 'none', '': 'none' }))
const minutesPerUnit = new Map(Object.entries({ minute: 1, day: 1440 }))

/** A task is held back until the next one, because its notes follow it. A note becomes a paragraph of the description. */
export function createTodoistReader({ today, seed }: CsvOptions): RecordReader {
  let section: string | null = null
  let ancestors: (string | null)[] = [] // ids by indent; null for a task that could not be read
  let task: Task | undefined

  return {
    *read(line, values) {
      const type = textOf(values, 'type').toLowerCase()
      if (type === 'note') yield* addNote(line, values)
      else if (type === 'meta') return
      else {
        yield* end()
        if (type === 'section') {
          section = textOf(values, 'content') || null
          ancestors = []
        } else if (type === 'task') yield* begin(line, values)
        else yield { line, place: 'TYPE', reason: 'Must be task, section or note.', lost: 'row' }
      }
    },
    end,
  }

  function* begin(line: number, values: Values): Generator<Row, void> {
    const indent = Number(textOf(values, 'indent') || '1')
    const id = hashedId(`${seed}\n${line}\n${textOf(values, 'content')}`)
    const parentId = indent === 1 ? null : ancestors[indent - 2]
    const { body, refusals } = bodyOf(values, today)
    if (!Number.isInteger(indent) || indent < 1 || parentId === undefined) {
      refusals.push({ place: 'INDENT', reason: 'Must be 1, or at most one more than that of the task above.' })
    } else {
      if (indent > 1 && parentId === null) refusals.push({ place: 'INDENT', reason: 'The task above it could not be read.' })
      ancestors = [...ancestors.slice(0, indent - 1), refusals.length === 0 ? id : null]
    }
    if (refusals.length === 0) task = { line, id, category: section, body: { ...body, parentId } }
    for (const refusal of refusals) yield { line, ...refusal, lost: 'row' }
  }

  function* addNote(line: number, values: Values): Generator<Row, void> {
    if (task === undefined) return yield { line, place: 'TYPE', reason: 'The note belongs to no task.', lost: 'row' }
    const { description } = task.body
    task.body.description = (description === null ? '' : `${description}\n\n`) + textOf(values, 'content')
  }

  function* end(): Generator<Row, void> {
    if (task === undefined) return
    const { line, id, category, body } = task
    task = undefined
    yield { line, item: { kind: 'task', id, category, body: { id, ...body } } }
  }
}

function bodyOf(values: Values, today: string) {
  const refusals: Refusal[] = []
  const take = <Value>(column: string, reason: string, value: Value | undefined): Value | undefined => {
    if (value === undefined) refusals.push({ place: column, reason })
    return value
  }
  const { title, labels } = splitLabels(textOf(values, 'content'))
  const due = take('DATE', 'Must be a date or a recurrence in one of the English forms that have one meaning.', dueOf(values, today))
  const timeZone = due?.dueTime == null ? null : take('TIMEZONE', 'Must be a name from the IANA time zone database.', zoneOf(values))
  const body = {
    title,
    description: values.get('description') || null,
    priority: take('PRIORITY', 'Must be 1, 2, 3 or 4.', priorities.get(textOf(values, 'priority'))),
    ...(due ?? { dueDate: null, dueTime: null, recurrence: null }),
    timeZone,
    deadlineDate: take('DEADLINE', 'Must be a date such as 2027-02-11 or Feb 11 2027.', deadlineOf(values, today)),
    durationMinutes: take('DURATION', 'Must be a whole number of minutes or days.', durationOf(values)),
    labels,
  }
  return { body, refusals }
}

/** Labels are words with an @ before them. A title of labels alone keeps them. */
function splitLabels(content: string): { title: string; labels: string[] } {
  const label = /(?<!\S)@(\S+)/g
  const labels = [...new Set([...content.matchAll(label)].map(([, name]) => name as string))]
  const title = content.replace(label, '').replace(/\s+/g, ' ').trim()
  return { title: title === '' ? content : title, labels }
}

function dueOf(values: Values, today: string): Due | null | undefined {
  const text = englishText(values, 'date')
  return text === '' ? null : (parseDue(text, today) ?? undefined)
}

function zoneOf(values: Values): string | null | undefined {
  const zone = textOf(values, 'timezone')
  if (zone === '') return null
  return isTimeZone(zone) ? zone : undefined
}

function deadlineOf(values: Values, today: string): string | null | undefined {
  const text = englishText(values, 'deadline')
  return text === '' ? null : (parseDate(text, today) ?? undefined)
}

/** A task without a duration may have the unit `None`. */
function durationOf(values: Values): number | null | undefined {
  const text = textOf(values, 'duration')
  if (text === '' || text === 'None') return null
  const minutes = minutesPerUnit.get(textOf(values, 'duration_unit') || 'minute')
  return /^\d{1,6}$/.test(text) && minutes !== undefined ? Number(text) * minutes : undefined
}

/** A text in another language has no form that is known, unless it begins with the year. */
function englishText(values: Values, column: string): string {
  const text = textOf(values, column)
  const language = textOf(values, `${column}_lang`)
  return language === '' || language === 'en' || /^(\d{4}-|$)/.test(text) ? text : `${language}: ${text}`
}

function textOf(values: Values, column: string): string {
  return values.get(column)?.trim() ?? ''
}
