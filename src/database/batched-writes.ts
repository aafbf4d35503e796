// Changes by several owners in one statement.
import { type Asked, asColumns, asParameters, type Columns, relation, type Values } from './asked.ts'
import { createCoalescer, type Route } from './coalesce.ts'
import type { Place } from './parts.ts'
import { joined, Parameter, type Part, sql, template } from './sql.ts'

/** How a statement reads the relation of its callers. For one caller there is none: its values are parameters, and both parts are empty. */
export type Callers = {
  /** `from asked` */
  from: Part
  /** `join asked on asked.owner = …` */
  join: (owner: Part) => Part
  /** A condition on the values of the caller that has this owner, for the clauses of a conflict: they see no other relation. */
  holds: (owner: Part, condition: Part) => Part
  /** the instant of the change: within a transaction it is later for each */
  now: Part
  /** whether the change is a part of one that has begun: see `asOne` of the database */
  isPart: boolean
}

/**
 * Makes a function that changes something of an owner:
 * `change('delete task', { owner: 'text', id: 'uuid' })((asked, callers) => sql`change as (update users … ${callers.from} where id =
 * ${asked.owner} …) update tasks as t … from change ${callers.join(sql`change.owner_id`)} where … returning t.owner_id as owner, …`)`.
 * The statement begins with its first CTE, without `with`, and each of its rows has the `owner` that it belongs to.
 */
export type Change = <Names extends Columns & { owner: 'text' }>(
  name: string,
  columns: Names,
) => <Row extends object>(change: (asked: Asked<Names>, callers: Callers) => Part) => (values: Values<Names> & Owner) => Promise<Row[]>

/** `instants`: how many the change takes from its `now` on, each a microsecond after the one before. One is the default. */
type Owner = { owner: string; instants?: number }

/** A statement that locks the row of an owner's account, and selects nothing if the account is locked by another or not there. */
export type OwnerLock = (owner: Part) => Part

type Owned = { owner: string | undefined }

/**
 * No caller waits for the lock of another: a shared statement takes the owners whose account is there and free. It locks the account, as
 * every change of an owner does. The others go alone, and so does every caller when PostgreSQL refuses the values of one of them.
 * No caller gets rows of another: an owner has one change in a statement, and gets the rows with its id. Without a lock, nothing is shared.
 */
export function createChange(route: Route, take: (instants: number) => Place | undefined, lock: OwnerLock | undefined): Change {
  return <Names extends Columns & { owner: 'text' }>(name: string, columns: Names) =>
    <Row extends object>(change: (asked: Asked<Names>, callers: Callers) => Part) => {
      type Input = Values<Names> & Owner
      const form = (callers: Callers) => template(name, () => sql`with ${change(asParameters(columns), callers)}`)
      const [alone, placed, part] = [form(noCallers), form(inTransaction), form({ ...inTransaction, isPart: true })]
      function single({ instants = 1, ...values }: Input) {
        const place = take(instants)
        if (place === undefined) return alone(values)
        return (place.isPart ? part : placed)({ ...values, place: place.place })
      }
      const shared = template(name, () => sharedForm(columns, change(asColumns(columns), allCallers), lock))
      const ask = createCoalescer<Input, Row & Owned>(route, {
        single,
        shared: several => ({
          statement: shared({ callers: JSON.stringify(several) }),
          split: rows => byOwner(rows, several),
        }),
        joins: ({ owner }, other) => lock !== undefined && other.owner !== owner,
        rows: ({ instants = 1 }) => instants,
      })
      return async (values: Input) => {
        const rows = await ask(values)
        for (const row of rows as Owned[]) row.owner = undefined // JSON leaves it out, and deleting it would be slower
        return rows
      }
    }
}

/** For a statement of one caller that is never shared. */
export const noCallers: Callers = { from: sql``, join: () => sql``, holds: (_, condition) => condition, now: sql`now()`, isPart: false }
const inTransaction: Callers = { ...noCallers, now: sql`(now() + ${new Parameter('place')}::integer * interval '1 microsecond')` }
const allCallers: Callers = {
  from: sql`from asked`,
  join: owner => sql`join asked on asked.owner = ${owner}`,
  holds: (owner, condition) => sql`exists (select from asked where asked.owner = ${owner} and ${condition})`,
  now: sql`now()`,
  isPart: false,
}

function sharedForm(columns: Columns & { owner: 'text' }, change: Part, lock: OwnerLock | undefined) {
  const asked = asColumns(columns)
  return sql`
    with asked as (
      select ${joined(Object.values(asked), ', ')}
      from ${relation(columns)}
      cross join lateral (${lock?.(asked.owner) ?? sql`select`}) as free),
    ${change}`
}

/** The rows of each owner; undefined where there are none, which can have many reasons. */
function byOwner<Row extends Owned>(rows: Row[], several: { owner: string }[]): (Row[] | undefined)[] {
  const owned = new Map(several.map(({ owner }) => [owner, [] as Row[]]))
  for (const row of rows) {
    const own = owned.get(row.owner as string)
    if (own === undefined) throw new Error('a row belongs to no caller of its statement')
    own.push(row)
  }
  return Array.from(owned.values(), own => (own.length > 0 ? own : undefined))
}
