// The values that a statement is asked with, as SQL: parameters in a statement for one caller, columns of the relation `asked` in one for several.
import { joined, Parameter, Part, sql } from './sql.ts'

type TypeScriptOf = {
  text: string
  uuid: string
  date: string
  time: string
  integer: number
  bigint: number
  boolean: boolean
  jsonb: object
  'text[]': readonly string[]
  'uuid[]': readonly string[]
  'bigint[]': readonly number[]
}
/** A type of PostgreSQL. One that is not listed is an enum of the schema: text in TypeScript. */
export type SqlType = keyof TypeScriptOf | (string & {})
export type Columns = Readonly<Record<string, SqlType>>

/** The part of a statement that stands for each column. A misspelt column does not compile. */
export type Asked<Names extends Columns> = { readonly [Name in keyof Names]: Part }
/** The value of a caller for each column; absent means null. */
export type Values<Names extends Columns> = {
  readonly [Name in keyof Names]?: (Names[Name] extends keyof TypeScriptOf ? TypeScriptOf[Names[Name]] : string) | null | undefined
}

/** For one caller: `$1::text`. */
export function asParameters<Names extends Columns>(columns: Names): Asked<Names> {
  return mapped(columns, (name, type) => sql`${new Parameter(name)}::${verbatim(type)}`)
}

/** For several: `asked."dueDate"`. */
export function asColumns<Names extends Columns>(columns: Names): Asked<Names> {
  return mapped(columns, name => sql`asked.${quoted(name)}`)
}

/** The relation `asked`, out of a JSON array in one parameter. PostgreSQL would plan a statement anew for each length of an array of its own. */
export function relation(columns: Columns): Part {
  return sql`json_to_recordset(${new Parameter('callers')}::text::json) as asked (${typed(columns)})`
}

/** The relation `each`, out of a value of a caller: a list of objects. */
export const records = (list: Part, columns: Columns): Part => sql`lateral jsonb_to_recordset(${list}) as each (${typed(columns)})`

/** Its columns: `each."dueDate"`. */
export function asEach<Names extends Columns>(columns: Names): Asked<Names> {
  return mapped(columns, name => sql`each.${quoted(name)}`)
}

function typed(columns: Columns): Part {
  return joined(
    Object.entries(columns).map(([name, type]) => sql`${quoted(name)} ${verbatim(type)}`),
    ', ',
  )
}

function mapped<Names extends Columns>(columns: Names, part: (name: string, type: SqlType) => Part): Asked<Names> {
  return Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, part(name, type)])) as Asked<Names>
}

// The keys of the JSON are the names as TypeScript has them.
const quoted = (name: string) => verbatim(`"${name.replaceAll('"', '""')}"`)
const verbatim = (text: string) => new Part([text], [])
