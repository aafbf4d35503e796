// Reads that are quick for certain: whoever asks the same in the same moment is answered by one statement.
// Under load that saves about half of what a read costs, most of which is the statement's way to PostgreSQL and back.
import { Problem } from './problem.ts'
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

type Row = { question: number | undefined }
type Question = { values: object; resolve: (rows: never[]) => void; reject: (error: unknown) => void }
type Batch = Map<number, Question>

const most = 16 // questions in a statement: more save little, and the last would wait for the first

/**
 * Nobody is answered with what is another's: PostgreSQL answers each question by itself, in a subquery that sees only its own values,
 * and each row comes with the number of its question. No number is given twice, so a row that went astray is nobody's.
 * `send` takes the statement as late as it can: until then others join in.
 */
export function lookups(send: (statement: () => Statement) => Promise<Row[]>): Lookup {
  let questions = 0

  return (asked, order) =>
    (texts, ...parts) => {
      const text = together(asked, sql(texts, ...parts), order)
      let open: Batch | undefined

      async function answer(batch: Batch) {
        try {
          const rows = await send(() => {
            close(batch)
            return { text, values: [JSON.stringify(Array.from(batch, ([question, { values }]) => ({ question, ...values })))] }
          })
          const answers = sorted(rows, batch)
          for (const [number, { resolve }] of batch) resolve(answers.get(number) as never[])
        } catch (error) {
          close(batch) // where no connection came free
          // What one asked may be the mistake: then it is not the others'.
          if (batch.size > 1 && !(error instanceof Problem)) for (const each of batch) void answer(new Map([each]))
          else for (const { reject } of batch.values()) reject(error)
        }
      }

      function close(batch: Batch) {
        if (open === batch) open = undefined
      }

      return values =>
        new Promise((resolve, reject) => {
          const batch: Batch = open ?? new Map()
          if (batch.size === 0) setImmediate(answer, batch)
          batch.set(++questions, { values, resolve, reject })
          open = batch.size === most ? undefined : batch
        })
    }
}

// JSON and not arrays: of those PostgreSQL would think anew how many there are, and plan every statement again.
function together(asked: Types, answer: Part, order: Part | undefined): string {
  const columns = Object.entries(asked).map(([name, type]) => `, ${name} ${type}`)
  return `
    select question, answer.*
    from json_to_recordset($1::text::json) as asked (question bigint${columns.join('')})
    cross join lateral (${statement(answer).text}) as answer
    ${order === undefined ? '' : `order by question, ${statement(order).text}`}`
}

function sorted(rows: Row[], batch: Batch): Map<number, Row[]> {
  const answers = new Map(Array.from(batch.keys(), number => [number, [] as Row[]]))
  for (const row of rows) {
    const own = answers.get(row.question as number)
    if (own === undefined) throw new Error('a row answers a question that was not asked')
    row.question = undefined // JSON leaves it out
    own.push(row)
  }
  return answers
}
