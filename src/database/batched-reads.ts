// Reads that are quick for certain, for many in one statement.

import type { Steps } from '../observe/spans.ts'
import { batched, given, recordset, type Send } from './coalesce.ts'
import { type Part, type Statement, sql, statement } from './sql.ts'

type Types = Record<string, 'text' | 'uuid' | 'integer'>
type Values<Asked extends Types> = { [Name in keyof Asked]: Asked[Name] extends 'integer' ? number : string }

/**
 * Makes a function that looks something up: `lookup({ owner: 'text' })<User>`select … where id = asked.owner``.
 * The rows come in `order`, which must say it in the columns of the answer.
 */
export type Lookup = <Asked extends Types>(
  asked: Asked,
  order?: Part,
) => <Row extends object>(text: TemplateStringsArray, ...parts: Part[]) => (values: Values<Asked>) => Promise<Row[]>

type Numbered = { question: number | undefined }

/**
 * Nobody is answered with what is another's: PostgreSQL answers each question by itself, in a subquery that sees only its own values,
 * and each row comes with the number of its question. No number is given twice, so a row that went astray is nobody's.
 */
export function lookups(send: Send, steps: Steps | null = null): Lookup {
  let numbers = 0

  return (asked, order) =>
    <Row extends object>(texts: TemplateStringsArray, ...parts: Part[]) => {
      const names = Object.keys(asked)
      const written = texted(asked, sql(texts, ...parts), order)
      return batched<Values<typeof asked>, Row>(send, steps, {
        alone: values => ({ text: written.alone, values: names.map(name => values[name]) }),
        together(several) {
          const first = numbers + 1
          numbers += several.length
          const questions = several.map((values, index) => ({ question: first + index, ...values }))
          const statement: Statement = { text: written.together, values: [JSON.stringify(questions)] }
          return { statement, sort: rows => sorted(rows as (Row & Numbered)[], first, several.length) }
        },
      })
    }
}

/** The statement for one who asks, and the statement for several. */
function texted(asked: Types, answer: Part, order: Part | undefined) {
  const { text } = statement(answer)
  const by = order === undefined ? '' : statement(order).text
  const alone = given(text, asked)
  return {
    alone: by === '' ? alone : `${alone} order by ${by}`,
    // `offset 0` keeps PostgreSQL from reading a small table whole to join it.
    together: `
      select question, answer.*
      from ${recordset({ question: 'bigint', ...asked })}
      cross join lateral (${text} offset 0) as answer
      ${by === '' ? '' : `order by question, ${by}`}`,
  }
}

/** The rows of each of so many questions. */
function sorted<Row extends object>(rows: (Row & Numbered)[], first: number, count: number): Row[][] {
  const answers = Array.from({ length: count }, (): Row[] => [])
  for (const row of rows) {
    const own = answers[(row.question as number) - first]
    if (own === undefined) throw new Error('a row answers a question that was not asked')
    row.question = undefined // JSON leaves it out
    own.push(row)
  }
  return answers
}
