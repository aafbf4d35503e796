import { WrongSetting } from './session.ts'

// Rows leave the driver as the API shows them. Values go in as the text that the spec has validated:
// the driver's own way through Date would lose microseconds.
const unchanged = (value: string) => value

/** By the type OIDs of PostgreSQL. */
export const types = {
  instant: { to: 1184, from: [1184], serialize: unchanged, parse: instant },
  date: { to: 1082, from: [1082], serialize: unchanged, parse: date },
  time: { to: 1083, from: [1083], serialize: unchanged, parse: (text: string) => text.slice(0, 5) },
  bigint: { to: 20, from: [20], serialize: String, parse: Number },
  jsonb: { to: 3802, from: [3802], serialize: json, parse: JSON.parse },
  list: { to: 1009, from: [1009, 1016, 2951], serialize: list, parse: items }, // text[], bigint[], uuid[]; another type of array needs its OID here
}

// Joined instead of concatenated: JSON.stringify takes twice as long for strings that V8 still keeps in parts.
// Behind a pooler the time zone of the session can change at any time, and would make the instant a wrong one.
function instant(text: string): string {
  if (!text.endsWith('+00') || text[4] !== '-') throw new WrongSetting(text[4] === '-' ? 'TimeZone' : 'DateStyle', 'another')
  return [text.slice(0, 10), 'T', text.slice(11, -'+00'.length), 'Z'].join('')
}

function date(text: string): string {
  if (text[4] !== '-') throw new WrongSetting('DateStyle', 'another')
  return text
}

// The driver serializes a value again when it repeats a statement, so a list may be text already; and so may an object.
function json(value: object | string): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function list(value: unknown[] | string): string {
  return typeof value === 'string' ? value : `{${value.map(each => `"${String(each).replace(/["\\]/g, '\\$&')}"`).join(',')}}`
}

function items(text: string): string[] {
  if (text === '{}') return []
  if (!text.includes('"')) return text.slice(1, -1).split(',')
  return Array.from(text.matchAll(/"((?:[^"\\]|\\.)*)"|[^{},]+/gs), ([plain, quoted]) => quoted?.replace(/\\(.)/gs, '$1') ?? plain)
}

/** The result of a query in the driver's form `values`: an array for each row, and the columns. */
export type Result = unknown[][] & { columns: readonly { name: string }[] }
type Row = Record<string, unknown>

type Shape = { names: string[]; empty: Row }
const shapes = new WeakMap<Result['columns'], Shape>()

/**
 * An object with all columns, to copy for each row. The driver itself adds one column after the other to an object, which V8 makes a slow
 * one after about 18 in this way: a list of rows with 22 columns then costs the server half as much again.
 */
function shapeOf(columns: Result['columns']): Shape {
  let shape = shapes.get(columns)
  if (shape === undefined) {
    const names = columns.map(({ name }) => name)
    shape = { names, empty: JSON.parse(JSON.stringify(Object.fromEntries(names.map(name => [name, null])))) }
    shapes.set(columns, shape)
  }
  return shape
}

/**
 * The rows of a result of the driver, which is left empty. The driver makes the result array when the one before is complete. By the time
 * its rows arrive, V8 has promoted it to the old generation, where it keeps its rows alive until a major garbage collection. Detaching the
 * rows saves a third of the CPU of a list.
 * After a statement that failed behind its first rows the driver goes on counting: the next result begins with as many gaps.
 */
export function detachRows(result: Result): Row[] {
  const { columns } = result
  const rows: unknown[][] = 0 in result ? result.slice() : Object.values(result)
  result.length = 0
  if (rows.length === 0) return []
  const { names, empty } = shapeOf(columns)
  return rows.map(values => {
    const row = { ...empty }
    for (let index = 0; index < names.length; index++) row[names[index] as string] = values[index]
    return row
  })
}
