// What the tests of readers share: a file in pieces, and what a reader makes of it.
import { readFileSync } from 'node:fs'
import type { Item, Row, Source } from '../../src/exchange/item.ts'

export const file = (name: string) => readFileSync(new URL(`files/${name}`, import.meta.url))

/** The bytes in pieces of one size, also where that cuts a character or a line end. */
export async function* pieces(content: string | Buffer, size = 65_536): Source {
  const bytes = Buffer.from(content as string)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export async function* each<Value>(...values: Value[]): AsyncGenerator<Value, void> {
  yield* values
}

export async function all<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const list: Value[] = []
  for await (const value of values) list.push(value)
  return list
}

export const text = async (parts: AsyncIterable<string>) => (await all(parts)).join('')

/** The items of a file that must have no fault. */
export async function items(rows: AsyncIterable<Row>): Promise<Item[]> {
  return (await all(rows)).map(row => {
    if ('item' in row) return row.item
    throw new Error(`line ${row.line}, ${row.place}: ${row.reason}`)
  })
}

/** The rows of a file as one line each. */
export async function summary(rows: AsyncIterable<Row>): Promise<string[]> {
  const list = await all(rows)
  return list.map(row => ('item' in row ? `${row.line}: ${row.item.body.title}` : `${row.line}: ${row.place} lost ${row.lost}`))
}

/** A file without end: its beginning, then the same piece for ever. `bytes` is how much of it was asked for. */
export function endless(beginning: string, piece: string): { source: Source; bytes: () => number } {
  let bytes = 0
  async function* source() {
    for (let next = beginning; ; next = piece) {
      bytes += Buffer.byteLength(next)
      yield Buffer.from(next)
    }
  }
  return { source: source(), bytes: () => bytes }
}
