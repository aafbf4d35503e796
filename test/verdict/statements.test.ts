// Parses every statement that the run has sent: it binds the owner on each table with user data, and excludes deleted rows.
import { parse } from 'libpg-query'
import { describe, expect, test } from 'vitest'
import { readRecord } from '../support/record.ts'

// The owner column of every table with user data.
const owners: Record<string, string> = { users: 'id', categories: 'owner_id', tasks: 'owner_id' }
const tablesWithTombstones = ['categories', 'tasks']
// Statements that include deleted rows on purpose, identified by a part of their text, each with its reason.
const exceptions = [
  { part: 'set category_id = null', table: 'tasks', reason: 'the tombstone of a task must not refer to a deleted category either' },
  ...tablesWithTombstones.flatMap(table => [
    { part: `select count(*) from ${table}`, table, reason: 'tombstones take room as well' },
    { part: `delete from ${table} as item`, table, reason: 'the oldest tombstones make room' },
    {
      part: `or exists (select from ${table} as`,
      table,
      reason: 'a tombstone already takes room',
    },
  ]),
]

type Node = { [key: string]: unknown }
type Table = { name: string; alias: string }

/** Every node of one kind in the tree. Does not descend into the kinds in `until`. */
function* nodes(tree: unknown, kind: string, until: string[] = []): Generator<Node> {
  if (typeof tree !== 'object' || tree === null) return
  for (const [key, value] of Object.entries(tree)) {
    if (until.includes(key)) continue
    if (key === kind) yield value as Node
    yield* nodes(value, kind, until)
  }
}

const names = (column: Node) => (column.fields as { String?: { sval: string } }[]).map(each => each.String?.sval ?? '*')

/** The errors of a statement in its use of tables with user data. */
async function faults(statement: string): Promise<string[]> {
  const wrong: string[] = []
  const { stmts } = (await parse(statement)) as { stmts: { stmt: Node }[] }
  for (const { stmt } of stmts) {
    for (const kind of ['SelectStmt', 'UpdateStmt', 'DeleteStmt', 'InsertStmt'])
      for (const node of nodes(stmt, kind)) wrong.push(...(kind === 'InsertStmt' ? insertErrors(node) : scanErrors(kind, node)))
  }
  return wrong

  function insertErrors(node: Node): string[] {
    const table = (node.relation as Node).relname as string
    const owner = owners[table]
    if (owner === undefined) return []
    const columns = (node.cols as { ResTarget: { name: string } }[]).map(({ ResTarget }) => ResTarget.name)
    return columns.includes(owner) ? [] : [`inserts into ${table} without ${owner}`]
  }

  function scanErrors(kind: string, node: Node): string[] {
    const from = [
      ...(kind === 'SelectStmt' ? [] : [{ RangeVar: node.relation }]),
      ...((node.fromClause ?? node.usingClause ?? []) as Node[]),
    ]
    const tables: Table[] = [...nodes(from, 'RangeVar', ['SubLink', 'RangeSubselect'])]
      .map(each => ({ name: each.relname as string, alias: ((each.alias as Node)?.aliasname ?? each.relname) as string }))
      .filter(({ name }) => owners[name] !== undefined)
    const conditions = conjuncts(node.whereClause as Node | undefined)
    return tables.flatMap(table => [
      ...(conditions.some(each => bindsOwner(each, table)) ? [] : [`does not bind ${owners[table.name]} of ${table.name}`]),
      ...(!tablesWithTombstones.includes(table.name) ||
      isException(statement, table) ||
      conditions.some(each => excludesDeleted(each, table))
        ? []
        : [`does not say deleted_at is null of ${table.name}`]),
    ])
  }
}

const isException = (statement: string, { name }: Table) => exceptions.some(({ part, table }) => table === name && statement.includes(part))

/** The conditions joined by AND. A condition inside an OR binds nothing. */
function conjuncts(where: Node | undefined): Node[] {
  if (where === undefined) return []
  const both = where.BoolExpr as { boolop: string; args: Node[] } | undefined
  return both?.boolop === 'AND_EXPR' ? both.args.flatMap(conjuncts) : [where]
}

const isColumn = (node: Node | undefined, column: string, { alias }: Table) => {
  const [last, before] = node?.ColumnRef === undefined ? [] : names(node.ColumnRef as Node).toReversed()
  return last === column && (before === undefined || before === alias)
}

function bindsOwner(condition: Node, table: Table): boolean {
  const compared = condition.A_Expr as { kind: string; name: { String: { sval: string } }[]; lexpr: Node; rexpr: Node } | undefined
  if (compared?.kind !== 'AEXPR_OP' || compared.name[0]?.String.sval !== '=') return false
  return isColumn(compared.lexpr, owners[table.name] as string, table) && isParameter(compared.rexpr)
}

/** A parameter, or in a batch the owner column of `asked`. */
function isParameter({ ParamRef, TypeCast, ColumnRef }: Node): boolean {
  if (TypeCast !== undefined) return isParameter((TypeCast as { arg: Node }).arg)
  return ParamRef !== undefined || (ColumnRef !== undefined && names(ColumnRef as Node).join() === 'asked,owner')
}

function excludesDeleted(condition: Node, table: Table): boolean {
  const test = condition.NullTest as { nulltesttype: string; arg: Node } | undefined
  return test?.nulltesttype === 'IS_NULL' && isColumn(test.arg, 'deleted_at', table)
}

const statements = (await readRecord<string>('statements')).filter(text => Object.keys(owners).some(table => text.includes(table)))

test('the run has sent statements of every kind to every table', () => {
  for (const table of Object.keys(owners))
    for (const verb of ['from', 'update', 'insert into'])
      expect(
        statements.some(text => text.includes(`${verb} ${table}`)),
        `${verb} ${table}`,
      ).toBe(true)
  expect(statements.length).toBeGreaterThan(40)
})

test('every statement binds the owner and excludes deleted rows', async () => {
  const bad = await Promise.all(statements.map(async text => ({ text, wrong: await faults(text) })))
  expect(bad.filter(({ wrong }) => wrong.length > 0)).toEqual([])
})

test('the list of exceptions is needed', () => {
  expect(exceptions.filter(({ part }) => !statements.some(text => text.includes(part)))).toEqual([])
})

describe('the audit finds', () => {
  test.each([
    ['no owner', 'select id from tasks where id = $1 and deleted_at is null', 'does not bind owner_id of tasks'],
    [
      'an owner that is no parameter',
      "select id from tasks where owner_id = 'ann' and deleted_at is null",
      'does not bind owner_id of tasks',
    ],
    [
      'an owner in an or',
      'select id from tasks where (owner_id = $1 or id = $2) and deleted_at is null',
      'does not bind owner_id of tasks',
    ],
    [
      'the owner column of another relation',
      'select id from asked, tasks where owner_id = other.owner and deleted_at is null',
      'does not bind owner_id of tasks',
    ],
    ['an owner that is not equal', 'select id from tasks where owner_id <> $1 and deleted_at is null', 'does not bind owner_id of tasks'],
    ['deleted rows', 'select id from tasks where owner_id = $1', 'does not say deleted_at is null of tasks'],
    [
      'deleted rows only',
      'select id from tasks where owner_id = $1 and deleted_at is not null',
      'does not say deleted_at is null of tasks',
    ],
    [
      'the owner of one table for another',
      'select t.id from tasks t, categories c where t.owner_id = $1 and c.id = t.category_id and t.deleted_at is null and c.deleted_at is null',
      'does not bind owner_id of categories',
    ],
    [
      'a subquery without owner',
      'select id from users where id = $1 and exists (select from tasks where id = $2)',
      'does not bind owner_id of tasks',
    ],
    ['a CTE without owner', 'with x as (delete from tasks where id = $1 returning id) select id from x', 'does not bind owner_id of tasks'],
    ['an update without owner', 'update tasks set title = $1 where id = $2 and deleted_at is null', 'does not bind owner_id of tasks'],
    [
      'an exception for one table that is used for another',
      'with x as (update tasks set category_id = null where owner_id = $1) update categories set name = $2 where owner_id = $1',
      'does not say deleted_at is null of categories',
    ],
    ['an update of users without id', 'update users set name = $1', 'does not bind id of users'],
    ['an insert without owner', 'insert into tasks (id) values ($1)', 'inserts into tasks without owner_id'],
  ])('%s', async (_, statement, fault) => {
    expect(await faults(statement)).toContain(fault)
  })
})
