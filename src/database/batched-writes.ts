// Changes of many people in one statement.

import type { Steps } from '../observe/spans.ts'
import { batched, given, recordset, type Send } from './coalesce.ts'
import { type Part, snake, sql, statement } from './sql.ts'

type Types = Record<string, string>
type Values<Asked extends Types> = { [Name in keyof Asked]?: unknown } & { owner: string }

/**
 * Makes a function that changes something of a person, out of a statement for everybody in the relation `asked`, which has the columns
 * and types that are given here (`dueDate` becomes due_date):
 * `change({ owner: 'text', id: 'uuid' })<Task>`change as (update users … from asked where id = asked.owner …) update tasks as t …
 * from change join asked on asked.owner = change.owner_id where … returning t.owner_id as owner, …``.
 * It begins with its first CTE, says `asked.` with each column, and its rows say whose they are.
 */
export type Change = <Asked extends Types & { owner: 'text' }>(
  asked: Asked,
) => <Row extends object>(text: TemplateStringsArray, ...parts: Part[]) => (values: Values<Asked>) => Promise<Row[]>

type Owned = { owner: string | undefined }

/**
 * Nobody waits for another's lock: together go those whose row of users is there and free. The statement locks it, as every change of a
 * person's rows does, and passes over who is busy or new: they go alone, as does everybody when PostgreSQL refuses what one of them asks.
 * Nobody gets what is another's: a person has one change in a statement, and is given the rows that are theirs.
 */
export function changes(send: Send, steps: Steps | null = null): Change {
  return asked =>
    <Row extends object>(texts: TemplateStringsArray, ...parts: Part[]) => {
      const names = Object.keys(asked)
      const types = Object.fromEntries(names.map(name => [snake(name), asked[name] as string]))
      const columns = Object.keys(types)
      const written = texted(types, statement(sql(texts, ...parts)).text)
      const change = batched<Values<typeof asked>, Row & Owned>(send, steps, {
        alone: values => ({ text: written.alone, values: names.map(name => values[name] ?? null) }),
        together: several => ({
          statement: {
            text: written.together,
            values: [JSON.stringify(several.map(values => Object.fromEntries(names.map((name, index) => [columns[index], values[name]]))))],
          },
          sort: rows => sorted(rows, several),
        }),
        joins: ({ owner }, other) => other.owner !== owner,
      })
      return async values => {
        const rows = await change(values)
        for (const row of rows as Owned[]) row.owner = undefined // JSON leaves it out
        return rows
      }
    }
}

function texted(types: Types, text: string) {
  // Alone, what is asked are parameters, by which a sharded database knows at once where the statement belongs.
  const alone = given(text.replace(/\b(from asked|join asked on \S+ = \S+)(?=\s)/g, ''), types)
  const together = `
    asked as (
      select ${Object.keys(types)
        .map(column => `asked.${column}`)
        .join(', ')}
      from ${recordset(types)}
      cross join lateral (
        select
        from users
        where id = asked.owner
        for no key update skip locked) as free),
    ${text}`
  return { alone: `with ${alone}`, together: `with ${together}` }
}

/** The rows of each owner; undefined where there are none, which can have many reasons. */
function sorted<Row extends Owned>(rows: Row[], several: { owner: string }[]): (Row[] | undefined)[] {
  const owned = new Map(several.map(({ owner }) => [owner, [] as Row[]]))
  for (const row of rows) {
    const own = owned.get(row.owner as string)
    if (own === undefined) throw new Error('a row is of nobody who asked')
    own.push(row)
  }
  return Array.from(owned.values(), own => (own.length > 0 ? own : undefined))
}
