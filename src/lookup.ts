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
type Question = { number: number; values: Record<string, unknown>; resolve: (rows: never[]) => void; reject: (error: unknown) => void }

const most = 16 // questions in a statement: more save little, and the last would wait for the first

/**
 * Nobody is answered with what is another's: PostgreSQL answers each question by itself, in a subquery that sees only its own values,
 * and each row comes with the number of its question. No number is given twice, so a row that went astray is nobody's.
 * `send` takes the statement as late as it can: until then others join in.
 */
export function lookups(send: (statement: () => Statement) => Promise<Row[]>): Lookup {
  let numbers = 0

  return (asked, order) =>
    (texts, ...parts) => {
      const written = forms(asked, sql(texts, ...parts), order)
      let open: Question[] | undefined

      async function answer(questions: Question[]) {
        try {
          const rows = await send(() => {
            close(questions)
            return questions.length === 1 ? written.alone(questions[0] as Question) : written.together(questions)
          })
          const answers = questions.length === 1 ? [rows] : sorted(rows, questions)
          for (const [index, { resolve }] of questions.entries()) resolve(answers[index] as never[])
        } catch (error) {
          close(questions) // where no connection came free
          // What one asked may be the mistake: then it is not the others'.
          if (questions.length > 1 && !(error instanceof Problem)) for (const each of questions) void answer([each])
          else for (const { reject } of questions) reject(error)
        }
      }

      function close(questions: Question[]) {
        if (open === questions) open = undefined
      }

      return values =>
        new Promise((resolve, reject) => {
          const questions = open ?? []
          if (questions.length === 0) setImmediate(answer, questions)
          questions.push({ number: ++numbers, values, resolve, reject })
          open = questions.length === most ? undefined : questions
        })
    }
}

/** The statement for one who asks, and the statement for several. */
function forms(asked: Types, answer: Part, order: Part | undefined) {
  const names = Object.keys(asked)
  const { text } = statement(answer)
  const by = order === undefined ? '' : statement(order).text
  const given = text.replace(/\basked\.(\w+)/g, (_, name) => `$${names.indexOf(name) + 1}::${asked[name]}`)
  const alone = by === '' ? given : `${given} order by ${by}`
  // JSON and not arrays: of those PostgreSQL would think anew how many there are, and plan every statement again. `offset 0` keeps it
  // from reading a small table whole to join it.
  const together = `
    select question, answer.*
    from json_to_recordset($1::text::json) as asked (question bigint${names.map(name => `, ${name} ${asked[name]}`).join('')})
    cross join lateral (${text} offset 0) as answer
    ${by === '' ? '' : `order by question, ${by}`}`

  return {
    alone: ({ values }: Question): Statement => ({
      text: alone,
      values: names.map(name => values[name]),
    }),
    together: (questions: Question[]): Statement => ({
      text: together,
      values: [JSON.stringify(questions.map(({ number, values }) => ({ question: number, ...values })))],
    }),
  }
}

/** The rows of each question. */
function sorted(rows: Row[], questions: Question[]): Row[][] {
  const answers = new Map(questions.map(({ number }) => [number, [] as Row[]]))
  for (const row of rows) {
    const own = answers.get(row.question as number)
    if (own === undefined) throw new Error('a row answers a question that was not asked')
    row.question = undefined // JSON leaves it out
    own.push(row)
  }
  return [...answers.values()]
}
