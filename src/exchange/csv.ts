// Tasks as CSV (`text/csv`, RFC 4180): a header, then one task a record. The header of a file that is read says which form it has: the
// columns of this API, or those of an export of Todoist.
import { stringify } from 'csv-stringify/sync'
import { columns } from './csv-columns.ts'
import { type CsvOptions, type CsvRecord, type RecordReader, readRecords } from './csv-records.ts'
import { type Fault, type Item, isFault, type NamedTask, type Row, type Source } from './item.ts'
import { createTodoistReader, todoistColumns } from './todoist.ts'

const names = Object.keys(columns)
const maxColumns = 100
// Without quote_record_delimiter, a lone line feed in a value is written without quotation marks.
const format = { record_delimiter: '\r\n', quote_record_delimiter: true }

/** Tasks in any order. Nothing is written before a byte order mark, because RFC 4180 has none. */
export async function* writeCsv(tasks: AsyncIterable<NamedTask>): AsyncGenerator<string, void> {
  yield stringify([names], format)
  for await (const task of tasks) yield stringify([Object.values(columns).map(({ write }) => escapeFormula(write(task)))], format)
}

/** A parent may come after its subtasks: the caller orders them. */
export async function* readCsv(source: Source, options: CsvOptions): AsyncGenerator<Row, void> {
  let header: string[] | undefined
  let reader: RecordReader = { read: readTask, end: () => [] }
  for await (const record of readRecords(source)) {
    if (isFault(record)) {
      yield { ...record, lost: header === undefined ? 'rest' : record.lost }
      if (header === undefined) return
    } else if (header === undefined) {
      header = record.cells.map(cell => cell.trim().toLowerCase())
      const isTodoist = header.includes('type') && header.includes('content')
      if (isTodoist) reader = createTodoistReader(options)
      const faults = headerFaults(record, header, isTodoist ? todoistColumns : names)
      yield* faults
      if (faults.some(({ lost }) => lost === 'rest')) return
    } else if (record.cells.length !== header.length) {
      const reason = `The record has ${record.cells.length} values, and the header has ${header.length}.`
      yield { line: record.line, place: null, reason, lost: 'row' }
    } else yield* reader.read(record.line, valuesOf(header, record.cells))
  }
  if (header === undefined) yield { line: 1, place: null, reason: 'The file has no header.', lost: 'rest' }
  yield* reader.end()
}

/** Columns that are ignored are named once. */
function headerFaults({ line, cells }: CsvRecord, header: string[], known: readonly string[]): Fault[] {
  if (cells.length > maxColumns) return [{ line, place: null, reason: `The header has more than ${maxColumns} columns.`, lost: 'rest' }]
  if (known === names && !header.includes('title')) {
    return [{ line, place: 'title', reason: 'The header needs a column title, or the columns TYPE and CONTENT of Todoist.', lost: 'rest' }]
  }
  const lower = known.map(name => name.toLowerCase())
  return cells.flatMap((place, i): Fault[] => {
    const name = header[i] as string
    if (header.indexOf(name) < i && name !== '') return [{ line, place, reason: 'The column appears twice.', lost: 'rest' }]
    return lower.includes(name) || name === '' ? [] : [{ line, place, reason: 'The column is unknown, so it is ignored.', lost: 'value' }]
  })
}

function valuesOf(header: string[], cells: string[]): Map<string, string> {
  return new Map(cells.map((cell, i) => [header[i] as string, cell]))
}

function* readTask(line: number, values: ReadonlyMap<string, string>): Generator<Row, void> {
  const { item, faults } = taskOf(line, values)
  if (faults.length > 0) yield* faults
  else yield { line, item }
}

function taskOf(line: number, values: ReadonlyMap<string, string>): { item: Item; faults: Fault[] } {
  const faults: Fault[] = []
  const body: Record<string, unknown> = {}
  for (const [place, { read }] of Object.entries(columns)) {
    const text = values.get(place.toLowerCase())
    if (text === undefined) continue
    const reading = read(restoreFormula(text))
    if ('reason' in reading) faults.push({ line, place, reason: reading.reason, lost: 'row' })
    else if (reading.value !== undefined) body[place] = reading.value
  }
  const { category, ...fields } = body as { id?: string; category?: string | null }
  return {
    item: { kind: 'task', ...(fields.id !== undefined && { id: fields.id }), ...(category !== undefined && { category }), body: fields },
    faults,
  }
}

// A spreadsheet runs a value that begins with one of these characters. An apostrophe before it makes it a text. The option `escape_formulas`
// of csv-stringify cannot be undone: with it `=1` and `'=1` become the same.
const formula = /^'*[=+\-@\t\r\n＝＋－＠]/
const escapedFormula = /^'+[=+\-@\t\r\n＝＋－＠]/

function escapeFormula(text: string): string {
  return formula.test(text) ? `'${text}` : text
}

function restoreFormula(text: string): string {
  return escapedFormula.test(text) ? text.slice(1) : text
}
