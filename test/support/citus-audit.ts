// Reports what Citus refuses in a statement on distributed tables. It refuses functions by their volatility, also those behind operators and
// casts. So PostgreSQL analyses the statement: it stores the body of an SQL function as a tree that has every function by its oid.
import type { Sql } from 'postgres'
import { type Node, nodes, parseNodeTree } from './tree.ts'

type Volatility = 'i' | 's' | 'v' // as in pg_proc
type Call = { name: string; volatility: Volatility; node: Node }
type Catalog = {
  functions: Map<string, { name: string; volatility: Volatility }>
  /** the functions that read and write a type as text, which some casts call */
  types: Map<string, { input: string; output: string }>
}

// Values of the fields `commandType` and `rtekind`.
const [update, insert, remove] = ['2', '3', '4']
const subquery = '1'
// The field of each kind of node with the function that it calls.
const functionFields = {
  FUNCEXPR: 'funcid',
  OPEXPR: 'opfuncid',
  SCALARARRAYOPEXPR: 'opfuncid',
  DISTINCTEXPR: 'opfuncid',
  NULLIFEXPR: 'opfuncid',
  AGGREF: 'aggfnoid',
  WINDOWFUNC: 'winfnoid',
}
const choices = ['CASEEXPR', 'COALESCEEXPR']

/** Makes a function that resolves with the faults of a statement; an empty list if it has none. `sql` has one connection. */
export async function createCitusAudit(sql: Sql): Promise<(statement: string) => Promise<string[]>> {
  const catalog = await readCatalog(sql)
  let count = 0

  return async statement => {
    const tree = await analyse(sql, statement, `audited_${count++}`).catch((error: Error) => error)
    if (tree instanceof Error) return [tree.message]
    const isShared = [...nodes(tree, 'ALIAS')].some(({ aliasname }) => aliasname === 'asked')
    const faults = [...nodes(tree, 'QUERY')].flatMap(query => [
      ...conflictFaults(catalog, query, isShared),
      ...(query.commandType === update || query.commandType === remove ? changeFaults(catalog, query) : []),
      ...(query.commandType === insert ? insertFaults(query) : []),
      ...mutable(calls(catalog, query.returningList)).map(({ name }) => `${name} in RETURNING is not immutable`),
    ])
    return [...new Set(faults)]
  }
}

/** Statements for several callers are not sent to Citus, so they may have a subquery there. */
function conflictFaults(catalog: Catalog, query: Node, isShared: boolean): string[] {
  return [...nodes(query.onConflict, 'ONCONFLICTEXPR')].flatMap(conflict => [
    ...mutable(calls(catalog, conflict)).map(({ name }) => `${name} in ON CONFLICT is not immutable`),
    ...(isShared ? [] : [...nodes(conflict.onConflictWhere, 'SUBLINK')].map(() => 'there is a subquery in the WHERE of ON CONFLICT')),
  ])
}

/** Found by experiment: Citus refuses this without the alias. */
function insertFaults({ returningList, rtable, resultRelation }: Node): string[] {
  const relations = (rtable as { RANGETBLENTRY: Node }[]).map(({ RANGETBLENTRY }) => RANGETBLENTRY)
  const isQuery = relations.some(({ rtekind }) => rtekind === subquery)
  const hasAlias = relations[Number(resultRelation) - 1]?.alias !== '<>'
  return isQuery && !hasAlias && returningList !== '<>' ? ['inserts out of a query and returns rows without an alias for the table'] : []
}

function changeFaults(catalog: Catalog, query: Node): string[] {
  const parts = [query.targetList, query.jointree]
  const chosen = choices.flatMap(kind => [...nodes(parts, kind, ['SUBLINK'])]).flatMap(choice => calls(catalog, choice, ['SUBLINK']))
  const onColumns = calls(catalog, parts, ['SUBLINK', ...choices]).filter(({ node }) => !nodes(node, 'VAR').next().done)
  return [
    ...mutable(chosen).map(({ name }) => `${name} in CASE or COALESCE is not immutable`),
    ...mutable(onColumns).map(({ name }) => `${name} of a column is not immutable`),
    ...calls(catalog, query, ['cteList'])
      .filter(({ volatility }) => volatility === 'v')
      .map(({ name }) => `${name} in UPDATE or DELETE is volatile`),
  ]
}

const mutable = (list: Call[]) => list.filter(({ volatility }) => volatility !== 'i')

/** Every function that a tree calls. */
function calls({ functions, types }: Catalog, tree: unknown, until: string[] = []): Call[] {
  const found = Object.entries(functionFields).flatMap(([kind, field]) =>
    [...nodes(tree, kind, until)].map(node => ({ id: node[field] as string, node })),
  )
  const throughText = [...nodes(tree, 'COERCEVIAIO', until)].flatMap(node => [
    { id: types.get(typeOf(node.arg as Node))?.output, node },
    { id: types.get(node.resulttype as string)?.input, node },
  ])
  const keywords = [...nodes(tree, 'SQLVALUEFUNCTION', until)].map((node): Call => ({ name: 'current_…', volatility: 's', node }))
  const named = [...found, ...throughText].flatMap(({ id, node }) => {
    const call = functions.get(id ?? '')
    return call === undefined ? [] : [{ ...call, node }]
  })
  return [...named, ...keywords]
}

/** The oid of the type of an expression. Each kind of node has its own name for it. */
function typeOf(expression: Node): string {
  const [fields = {}] = Object.values(expression) as Node[]
  return Object.entries(fields).find(([name]) => /type(id)?$/i.test(name))?.[1] as string
}

async function analyse(sql: Sql, statement: string, name: string): Promise<unknown> {
  const body = statement.replace(/;\s*$/, '')
  await sql.unsafe(`prepare ${name} as ${body}`)
  const [{ types }] = (await sql`select parameter_types::text[] as types from pg_prepared_statements where name = ${name}`) as unknown as [
    { types: string[] },
  ]
  await sql.unsafe(`create function pg_temp.${name}(${types.join(', ')}) returns void begin atomic ${body}; end`)
  const [{ tree }] = (await sql`select prosqlbody::text as tree from pg_proc where proname = ${name}`) as unknown as [{ tree: string }]
  return parseNodeTree(tree)
}

async function readCatalog(sql: Sql): Promise<Catalog> {
  const functions = await sql`select oid::text as id, proname || '()' as name, provolatile as volatility from pg_proc`
  const types = await sql`select oid::text as id, typinput::oid::text as input, typoutput::oid::text as output from pg_type`
  const byId = (rows: readonly Node[]) => new Map(rows.map(({ id, ...row }) => [id, row]))
  return { functions: byId(functions), types: byId(types) } as unknown as Catalog
}
