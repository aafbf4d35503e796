// The columns of a task in CSV: how each is written, and how it is read back.
import type { NamedTask, Recurrence } from './item.ts'

/** Undefined for a value that the body goes without, so that it gets the default of the API. */
type Reading = { value: unknown } | { reason: string }
type Column = { write: (task: NamedTask) => string; read: (text: string) => Reading }
type Reminder = NamedTask['reminders'][number]

/** In the order of the file. A column whose name is in the body of `putTask` has the value of that field. */
export const columns: Readonly<Record<string, Column>> = {
  id: optional('id'),
  parentId: nullable('parentId'),
  category: nullable('category'),
  title: { write: task => task.title, read: text => ({ value: text }) },
  description: nullable('description'),
  completed: { write: task => String(task.completed), read: readBoolean },
  completedAt: nullable('completedAt'),
  priority: optional('priority'),
  dueDate: nullable('dueDate'),
  dueTime: nullable('dueTime'),
  startDate: nullable('startDate'),
  deadlineDate: nullable('deadlineDate'),
  durationMinutes: { write: task => task.durationMinutes?.toString() ?? '', read: readNumber },
  timeZone: nullable('timeZone'),
  labels: { write: task => task.labels.map(escapeLabel).join(', '), read: text => ({ value: readLabels(text) }) },
  recurrence: { write: ({ recurrence }) => writeRecurrence(recurrence), read: text => ({ value: readRecurrence(text) }) },
  reminders: { write: task => task.reminders.map(writeReminder).join(', '), read: readReminders },
  sortKey: optional('sortKey'),
  createdAt: optional('createdAt'),
  updatedAt: optional('updatedAt'),
}

type Nullable = 'parentId' | 'category' | 'description' | 'completedAt' | 'dueDate' | 'dueTime' | 'startDate' | 'deadlineDate' | 'timeZone'

function nullable(name: Nullable): Column {
  return { write: task => task[name] ?? '', read: text => ({ value: text === '' ? null : text }) }
}

function optional(name: 'id' | 'priority' | 'sortKey' | 'createdAt' | 'updatedAt'): Column {
  return { write: task => task[name], read: text => ({ value: text === '' ? undefined : text }) }
}

/** In any case, because spreadsheets write TRUE. */
function readBoolean(text: string): Reading {
  if (text === '') return { value: undefined }
  if (/^(true|false)$/i.test(text)) return { value: text.toLowerCase() === 'true' }
  return { reason: 'Must be true or false.' }
}

function readNumber(text: string): Reading {
  if (text === '') return { value: null }
  return /^\d{1,9}$/.test(text) ? { value: Number(text) } : { reason: 'Must be a whole number.' }
}

/** A backslash keeps a comma, a backslash and white space at either end. */
function escapeLabel(label: string): string {
  return label.replace(/[\\,]|^\s|\s$/g, '\\$&')
}

function readLabels(text: string): string[] {
  const labels = text.match(/(?:\\[\s\S]|[^\\,]|\\$)+/g) ?? []
  return labels
    .map(label => label.trimStart().replace(/(?<!\\)\s+$/, ''))
    .filter(label => label !== '')
    .map(label => label.replace(/\\([\s\S])/g, '$1'))
}

const fromCompletion = ' from completion'

function writeRecurrence(recurrence: Recurrence | null): string {
  if (recurrence === null) return ''
  return recurrence.from === 'completion' ? recurrence.rule + fromCompletion : recurrence.rule
}

function readRecurrence(text: string): Recurrence | null {
  if (text === '') return null
  if (!text.endsWith(fromCompletion)) return { rule: text, from: 'due' }
  return { rule: text.slice(0, -fromCompletion.length), from: 'completion' }
}

function writeReminder({ at, minutesBefore }: Reminder): string {
  return at ?? `${minutesBefore} minutes before`
}

function readReminders(text: string): Reading {
  const reminders = text === '' ? [] : text.split(/\s*,\s*/).map(readReminder)
  return reminders.includes(null)
    ? { reason: 'Must be instants such as 2027-03-01T14:30:00Z, or such as 15 minutes before, separated by commas.' }
    : { value: reminders }
}

function readReminder(text: string): Reminder | null {
  const minutes = /^(\d{1,9}) minutes? before$/i.exec(text)?.[1]
  if (minutes !== undefined) return { at: null, minutesBefore: Number(minutes) }
  return /^\d{4}-\d\d-\d\dT/.test(text) ? { at: text, minutesBefore: null } : null
}
