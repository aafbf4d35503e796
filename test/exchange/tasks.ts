// Any task that this API may have, for the properties of the forms.
import fc from 'fast-check'
import type { NamedTask, Recurrence } from '../../src/exchange/item.ts'
import { fitting, maybe } from '../property/values.ts'
import { document, type Schema } from '../support/spec.ts'

const { Task, CategoryName } = document.components.schemas as Record<'Task' | 'CategoryName', Schema>

const rules = [
  ...['FREQ=DAILY', 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE', 'FREQ=MONTHLY;BYDAY=-1FR', 'FREQ=YEARLY;COUNT=3'],
  ...['FREQ=DAILY;UNTIL=20271231', 'FREQ=MONTHLY;UNTIL=99991231;BYMONTHDAY=1', 'FREQ=DAILY;UNTIL=00010101'],
]
const recurrence: fc.Arbitrary<Recurrence> = fc.record({
  rule: fc.constantFrom(...rules),
  from: fc.constantFrom('due' as const, 'completion' as const),
})
const instant = fc.constantFrom('2027-02-11T17:40:03.118402Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z')
const fields = fc.record({
  recurrence: maybe(recurrence, null),
  nextOccurrenceId: maybe(fc.uuid(), null),
  sortKey: fc.constantFrom('a0', 'Zz', 'a0V', 'zzz;,\\'),
  category: maybe(fitting(CategoryName) as fc.Arbitrary<string>, null),
  createdAt: instant,
  updatedAt: instant,
  completedAt: maybe(instant, null),
})

// Texts on which a form may stumble, besides those of the API's own tests.
const awkward = [
  '=1+1',
  "'=1",
  "''@x",
  '+1',
  '-',
  '\tx',
  '\rx',
  'a\r\nb',
  '"',
  '""',
  'a"b',
  ' x ',
  'a, b',
  'a\\, b\\',
  'x\\n',
  '＝1',
  'x\ty',
  `${'ä'.repeat(40)}x`,
]

export const task: fc.Arbitrary<NamedTask> = fc
  .tuple(fitting(Task) as fc.Arbitrary<NamedTask>, fields, fc.array(fc.constantFrom(...awkward), { maxLength: 4 }))
  .map(([task, fields, [title, ...labels]]) => {
    const whole = { ...task, ...fields, id: task.id.toLowerCase(), parentId: task.parentId?.toLowerCase() ?? null }
    const spoken = title === undefined ? whole : { ...whole, title, description: title, labels: [...new Set(labels)] }
    return consistent(spoken)
  })

/** For parsers that take no years below 1000. */
export const modernTask = task.map(task => ({ ...task, dueDate: task.dueDate?.replace(/^0/, '2') ?? null }))

/** What the API guarantees between fields. */
function consistent(task: NamedTask): NamedTask {
  const reminders = task.reminders.map(({ at, minutesBefore }) => ({ at, minutesBefore: at === null ? (minutesBefore ?? 0) : null }))
  const whole = { ...task, reminders, completed: task.completedAt !== null }
  if (task.dueDate !== null) return whole
  return { ...whole, dueTime: null, recurrence: null, reminders: reminders.filter(({ at }) => at !== null) }
}
