// The table of src/exchange/README.md: what each form keeps of a task. Each of its rows is tried with any task.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import ICAL from 'ical.js'
import judge from 'node-ical'
import { describe, expect, test } from 'vitest'
import { writeEvents, writeTodos } from '../../src/exchange/calendar.ts'
import { plainText } from '../../src/exchange/calendar-text.ts'
import { readTodos } from '../../src/exchange/calendar-todos.ts'
import { readCsv, writeCsv } from '../../src/exchange/csv.ts'
import type { Item, NamedTask } from '../../src/exchange/item.ts'
import { readNdjson, writeNdjson } from '../../src/exchange/ndjson.ts'
import { seed } from '../property/seed.ts'
import { cases } from '../support/checks.ts'
import { document } from '../support/spec.ts'
import { each, items, pieces, text } from './read.ts'
import { modernTask, task } from './tasks.ts'

const readme = readFileSync(new URL('../../src/exchange/README.md', import.meta.url), 'utf8')
const rows = [...readme.matchAll(/^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)].map(row => row.slice(1).map(cell => cell.trim()))
const parameters = { seed, numRuns: 300 }

const toSecond = (instant: string | null) => instant?.replace(/\.\d+/, '') ?? null
const words = (value: unknown) => (typeof value === 'string' ? plainText(value) || null : value)
/** The meaning of each word of the table. */
const kept: Record<string, (value: never) => unknown> = {
  yes: value => value,
  no: () => undefined,
  'to the second': toSecond,
  'as plain text': (value: unknown) => (Array.isArray(value) ? [...new Set(value.map(words))] : words(value)),
  'instants to the second': (reminders: NamedTask['reminders']) => reminders.map(each => ({ ...each, at: toSecond(each.at) })),
}

const forms = [
  { form: 'NDJSON', column: 1, trip: ndjson },
  { form: 'CSV', column: 2, trip: csv },
  { form: 'VTODO', column: 3, trip: todo },
]

test('the table has every field of a task', () => {
  const later = ['category', 'sortKey']
  expect(rows.map(([name]) => name).sort()).toEqual(
    [...new Set([...Object.keys(document.components.schemas.Task?.properties ?? {}), ...later])].sort(),
  )
})

describe.each(cases(forms))('$form', ({ column, trip }) => {
  test('keeps of any task what the table says', async () => {
    await fc.assert(
      fc.asyncProperty(task, async task => {
        const item = await trip(task)
        const found = { ...item.body, category: item.category } as Record<string, unknown>
        const names = rows.map(([name]) => name as keyof NamedTask)
        const expected = rows.map(row => [row[0], kept[row[column] as string]?.(task[row[0] as keyof NamedTask] as never)])
        expect(Object.fromEntries(names.map(name => [name, found[name]]))).toEqual(Object.fromEntries(expected))
        expect(item.id).toBe(task.id)
      }),
      parameters,
    )
  })
})

describe('two other parsers accept every calendar', () => {
  const components = (calendar: string, name: string) => new ICAL.Component(ICAL.parse(calendar)).getAllSubcomponents(name)
  const judged = (calendar: string) => Object.values(judge.sync.parseICS(calendar)) as unknown as Record<string, unknown>[]

  test('of tasks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(modernTask, { maxLength: 3 }), async tasks => {
        const calendar = await text(writeTodos(each(...tasks), 'Tasks'))
        expect(calendar.split('\r\n').filter(line => Buffer.byteLength(line) > 75)).toEqual([])
        const found = components(calendar, 'vtodo')
        expect(found.map(todo => todo.getFirstPropertyValue('summary'))).toEqual(tasks.map(({ title }) => plainText(title)))
        expect(found.map(todo => todo.getAllSubcomponents('valarm').length)).toEqual(tasks.map(({ reminders }) => reminders.length))
        expect(found.map(todo => todo.getFirstPropertyValue('rrule') !== null)).toEqual(tasks.map(({ recurrence }) => recurrence !== null))
        const ids = judged(calendar).filter(({ type }) => type === 'VTODO')
        expect(new Set(ids.map(({ uid }) => uid))).toEqual(new Set(tasks.map(({ id }) => id)))
      }),
      parameters,
    )
  })

  test('of events', async () => {
    await fc.assert(
      fc.asyncProperty(modernTask, async task => {
        const calendar = await text(writeEvents(each(task), 'Tasks'))
        const isShown = !task.completed && task.dueDate !== null
        const events = components(calendar, 'vevent')
        expect(events.map(event => event.getFirstPropertyValue('dtstart')?.toString().slice(0, 10))).toEqual(isShown ? [task.dueDate] : [])
        expect(
          judged(calendar)
            .filter(({ type }) => type === 'VEVENT')
            .map(({ uid }) => uid),
        ).toEqual(isShown ? [task.id] : [])
      }),
      parameters,
    )
  })
})

async function ndjson({ category, revision: _, ...task }: NamedTask): Promise<Item> {
  return only(await items(readNdjson(pieces(await text(writeNdjson(each({ kind: 'task', ...task }))), 7))))
}

async function csv(task: NamedTask): Promise<Item> {
  return only(await items(readCsv(pieces(await text(writeCsv(each(task))), 7), { today: '2027-02-11', seed: '' })))
}

async function todo(task: NamedTask): Promise<Item> {
  return only(await items(readTodos(pieces(await text(writeTodos(each(task), 'Tasks')), 7))))
}

function only(list: Item[]): Item {
  expect(list).toHaveLength(1)
  return list[0] as Item
}
