// Reads the three forms of an export.
import { expect } from 'vitest'
import { readTodos } from '../../src/exchange/calendar-todos.ts'
import { readCsv } from '../../src/exchange/csv.ts'
import type { Client } from './client.ts'

export type Line = { kind: string; id: string; revision: number; parentId?: string | null } & Record<string, unknown>
export type Format = 'ndjson' | 'csv' | 'ics'

export const linesOf = (text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))

export const exported = async (user: Client, format?: Format): Promise<string> =>
  (await user.exportAccount(format && { query: { format } })).body

/** The ids of the tasks in a file, in its order. */
export async function idsIn(format: Format, text: string): Promise<string[]> {
  if (format === 'ndjson') return linesOf(text).flatMap(({ kind, id }) => (kind === 'task' ? id : []))
  async function* source() {
    yield text
  }
  const rows = format === 'csv' ? readCsv(source(), { seed: '', today: '2027-03-01' }) : readTodos(source())
  const ids: string[] = []
  for await (const row of rows) ids.push('item' in row ? (row.item.id as string) : expect.fail(JSON.stringify(row)))
  return ids
}
