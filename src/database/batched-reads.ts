// Reads that are certain to be quick, for several callers in one statement.
import { type Asked, asColumns, asParameters, type Columns, relation, type Values } from './asked.ts'
import { createCoalescer, type Route } from './coalesce.ts'
import { type Part, sql, template } from './sql.ts'

/**
 * Makes a function that looks something up:
 * `lookup('select user', { owner: 'text' })<User>(asked => sql`select … where id = ${asked.owner}`)`.
 * The rows come in `order`, which names columns of the answer. A column `count` is how many there are at most.
 */
export type Lookup = <Names extends Columns>(
  name: string,
  columns: Names,
  order?: Part,
) => <Row extends object>(answer: (asked: Asked<Names>) => Part) => (values: Required<Values<Names>>) => Promise<Row[]>

type Numbered = { question: number | undefined }

/**
 * No caller gets rows of another: PostgreSQL answers each question in a subquery of its own, which sees only the values of its caller, and
 * each row comes with the number of its question. No number is given twice, so a row that went astray fits no caller.
 */
export function createLookup(route: Route): Lookup {
  let lastQuestion = 0

  return <Names extends Columns>(name: string, columns: Names, order?: Part) =>
    <Row extends object>(answer: (asked: Asked<Names>) => Part) => {
      const single = template(name, () => singleForm(answer(asParameters(columns)), order))
      const shared = template(name, () => sharedForm(columns, answer(asColumns(columns)), order))
      return createCoalescer<Required<Values<Names>>, Row>(route, {
        single,
        shared(several) {
          const first = lastQuestion + 1
          lastQuestion += several.length
          const callers = several.map((values, index) => ({ question: first + index, ...values }))
          return {
            statement: shared({ callers: JSON.stringify(callers) }),
            split: rows => byQuestion(rows as (Row & Numbered)[], first, several.length),
          }
        },
        joins: () => true,
        rows: ({ count }) => (typeof count === 'number' ? count : 1),
      })
    }
}

const singleForm = (answer: Part, order: Part | undefined) => (order === undefined ? answer : sql`${answer} order by ${order}`)

/** `offset 0` keeps PostgreSQL from reading a small table whole to join it. */
function sharedForm(columns: Columns, answer: Part, order: Part | undefined) {
  return sql`
    select question, answer.*
    from ${relation({ question: 'bigint', ...columns })}
    cross join lateral (${answer} offset 0) as answer
    ${order === undefined ? sql`` : sql`order by question, ${order}`}`
}

function byQuestion<Row extends object>(rows: (Row & Numbered)[], first: number, count: number): Row[][] {
  const answers = Array.from({ length: count }, (): Row[] => [])
  for (const row of rows) {
    const own = answers[(row.question as number) - first]
    if (own === undefined) throw new Error('a row answers a question that was not asked')
    row.question = undefined // JSON leaves it out, and deleting it would be slower
    own.push(row)
  }
  return answers
}
