// The records of a CSV file (RFC 4180), each parsed alone: a fault in one says nothing about the next. A file is cut where a line ends outside
// quotation marks, because csv-parse as a stream counts a CRLF within a value as two lines, bounds no number of empty values, and ends at the
// first fault.
import { parse } from 'csv-parse/sync'
import { type Fault, isFault, type Row, type Source } from './item.ts'
import { decode, readLines } from './lines.ts'

export type CsvRecord = { line: number; cells: string[] }
/** `today` is the day of a due text without a year; `seed` makes the ids of tasks that have none, for example the name of the file. */
export type CsvOptions = { today: string; seed: string }
/** Makes the items of a record, whose values it gets by the name of their column, in lower case. */
export type RecordReader = { read: (line: number, values: ReadonlyMap<string, string>) => Iterable<Row>; end: () => Iterable<Row> }

/** A task of this API has at most about 120 KiB, with all its quotation marks doubled. */
const maxRecordBytes = 256 * 1024
const options = { bom: false, record_delimiter: '\n', relax_column_count: true }

/** The records that have a value. */
export async function* readRecords(source: Source): AsyncGenerator<CsvRecord | Fault, void> {
  const record = { line: 1, text: '', isOpen: false, isUtf8: true }
  for await (const line of readLines(source, maxRecordBytes)) {
    if (isFault(line)) return yield line
    const text = decode(line.bytes)
    if (!record.isOpen) record.line = line.number
    record.isUtf8 &&= text !== null
    record.isOpen = leavesOpen(text ?? line.bytes.toString('latin1'), record.isOpen)
    record.text += (text ?? '') + (record.isOpen ? line.end : '')
    if (record.text.length > maxRecordBytes)
      return yield lost(record.line, `The record has more than ${maxRecordBytes} characters.`, 'rest')
    if (record.isOpen) continue
    yield* parsed(record)
    Object.assign(record, { text: '', isUtf8: true })
  }
  if (record.isOpen) yield lost(record.line, 'A quotation mark is not closed.', 'rest')
}

function* parsed({ line, text, isUtf8 }: { line: number; text: string; isUtf8: boolean }): Generator<CsvRecord | Fault, void> {
  if (!isUtf8) return yield lost(line, 'The record is not UTF-8.', 'row')
  let cells: string[]
  try {
    cells = parse(text, options)[0] ?? []
  } catch {
    return yield lost(line, 'A quotation mark must be doubled within a value, and the value must be in quotation marks.', 'row')
  }
  if (cells.some(cell => cell !== '')) yield { line, cells }
}

/** Whether a value in quotation marks goes on after the line. A quotation mark within a value without them opens nothing. */
function leavesOpen(text: string, wasOpen: boolean): boolean {
  let isOpen = wasOpen
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) {
    if (!isOpen) isOpen = at === 0 || text[at - 1] === ','
    else if (text[at + 1] === '"') at++
    else isOpen = false
  }
  return isOpen
}

function lost(line: number, reason: string, lost: 'row' | 'rest'): Fault {
  return { line, place: null, reason, lost }
}
