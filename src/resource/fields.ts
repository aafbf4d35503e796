// The fields that a caller writes, once for each resource: insert and update are generated from them.
import type { Asked, Columns, SqlType } from '../database/asked.ts'
import { constant, flattened, identifier, joined, type Part, sql } from '../database/sql.ts'

export type Field<Nullable extends boolean = boolean> = {
  type: SqlType
  nullable: Nullable
  /** what a row shows for it instead of its column, as an expression on `item` */
  shown?: Part
  /** what an insert stores instead of the value, in a row that is created at this instant */
  insert?: (value: Part, created: Part) => Part
  /** how a field is stored that is not a column of its own */
  stored?: Stored
}
/** What a row shows: a column, or an expression by the name of one. */
type Shown = string | { name: string; expression: Part }

export type Stored = {
  column: string
  /** what a row shows for the field */
  shows: readonly Shown[]
  insert: (value: Part) => Part
  /** `item` is the row that is there. `value` is null if the field is not sent. `cleared` (text[]) has the names of the fields that are cleared. */
  update: (value: Part, cleared: Part) => Part
}

/** A field for each property of an input of the spec, nullable where the spec says so. A missing or misspelt one does not compile. */
export type Fields<Input> = { readonly [Name in keyof Input]-?: Field<null extends Input[Name] ? true : false> }

export const required = (type: SqlType, stored?: Stored): Field<false> => ({ type, nullable: false, ...(stored && { stored }) })
export const nullable = (type: SqlType, own: Pick<Field, 'shown' | 'insert'> = {}): Field<true> => ({ type, nullable: true, ...own })

export type FieldParts = {
  /** the columns of a statement that is asked with the fields */
  types: Columns
  /** what a row shows, in the order of the fields */
  shown: readonly Shown[]
  /** `title, description, …`, for an insert */
  columns: Part
  /** the values for these columns */
  inserted: (asked: Asked<Columns>, created?: Part) => Part
  /** `title = excluded.title, …`, for `on conflict do update` */
  replaced: Part
  /** The values of the row `item` for a copy of it, or others in their place, by the name of the field. */
  copied: (others: Readonly<Record<string, Part>>) => Part
  /** `title = coalesce(…), …`. Null means that a field is not sent, unless `cleared` (text[]) has its name. */
  updated: (asked: Asked<Columns>, cleared: Part) => Part
}

export function createFields<Input>(fields: Fields<Input>): FieldParts {
  const all = Object.entries<Field>(fields).map(([name, field]) => ({ name, ...field, column: identifier(field.stored?.column ?? name) }))
  const list = (part: (field: (typeof all)[number]) => Part) => joined(all.map(part), ', ')

  return {
    types: Object.fromEntries(all.map(({ name, type }) => [name, type])),
    shown: all.flatMap(({ name, stored, shown }): readonly Shown[] => stored?.shows ?? [shown ? { name, expression: shown } : name]),
    columns: list(({ column }) => column),
    inserted: (asked, created = sql`now()`) =>
      list(({ name, stored, insert = stored?.insert ?? (value => value) }) => insert(asked[name] as Part, created)),
    replaced: list(({ column }) => sql`${column} = excluded.${column}`),
    copied: others => list(({ name, column }) => others[name] ?? sql`item.${column}`),
    updated: (asked, cleared) =>
      list(({ name, nullable, column, stored }) => {
        const value = asked[name] as Part
        const kept = sql`coalesce(${value}, item.${column})`
        const plain = nullable ? sql`case when ${constant(name)} = any(${cleared}) then null else ${kept} end` : kept
        return sql`${column} = ${stored?.update(value, cleared) ?? plain}`
      }),
  }
}

/** The fields whose names are not in `names`. */
export const omitFields = <Input>(fields: Fields<Input>, names: readonly (keyof Input)[]) =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name as keyof Input))) as Fields<Partial<Input>>

/** The names of the fields that a patch clears. */
export const cleared = (patch: object): string[] => Object.entries(patch).flatMap(([name, value]) => (value === null ? name : []))

/** `item.id, item.due_date, …` */
export const columnsOf = (columns: readonly Shown[]): Part =>
  flattened(
    joined(
      columns.map(each => (typeof each === 'string' ? sql`item.${identifier(each)}` : sql`${each.expression} as ${identifier(each.name)}`)),
      ', ',
    ),
  )
