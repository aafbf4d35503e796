// Parses a statement and reports where it does not bind the owner, or reads tombstones without a reason.
import { parse } from 'libpg-query'

type Rules = {
  /** the column with the owner, for each table that has owners */
  owners: Record<string, string>
  /** the tables whose deleted rows stay as tombstones */
  tombstones: readonly string[]
  /** statements that mean tombstones too, by a part of their text */
  exceptions?: readonly { part: string; table: string }[]
}
type Node = { [key: string]: unknown }
type Table = { name: string; alias: string }

/** Makes a function that resolves with the faults of a statement; an empty list if it has none. */
export function createStatementAudit({ owners, tombstones, exceptions = [] }: Rules): (statement: string) => Promise<string[]> {
  return async statement => {
    const faults: string[] = []
    const { stmts } = (await parse(statement)) as { stmts: { stmt: Node }[] }
    for (const { stmt } of stmts) {
      for (const node of nodes(stmt, 'InsertStmt')) faults.push(...insertFaults(node))
      for (const kind of ['SelectStmt', 'UpdateStmt', 'DeleteStmt'])
        for (const node of nodes(stmt, kind)) faults.push(...scanFaults(statement, kind, node))
    }
    return faults
  }

  function insertFaults(node: Node): string[] {
    const table = (node.relation as Node).relname as string
    const owner = owners[table]
    if (owner === undefined) return []
    const columns = (node.cols as { ResTarget: { name: string } }[]).map(({ ResTarget }) => ResTarget.name)
    return columns.includes(owner) ? [] : [`inserts into ${table} without ${owner}`]
  }

  function scanFaults(statement: string, kind: string, node: Node): string[] {
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
      ...(readsTombstones(statement, table, conditions) ? [`does not say deleted_at is null of ${table.name}`] : []),
    ])
  }

  function bindsOwner(condition: Node, table: Table): boolean {
    const comparison = condition.A_Expr as { kind: string; name: { String: { sval: string } }[]; lexpr: Node; rexpr: Node } | undefined
    if (comparison?.kind !== 'AEXPR_OP' || comparison.name[0]?.String.sval !== '=') return false
    return isColumn(comparison.lexpr, owners[table.name] as string, table) && isCaller(comparison.rexpr)
  }

  function readsTombstones(statement: string, { name, alias }: Table, conditions: Node[]): boolean {
    if (!tombstones.includes(name) || conditions.some(each => excludesTombstones(each, { name, alias }))) return false
    return !exceptions.some(({ part, table }) => table === name && statement.includes(part))
  }
}

/** Every node of one kind in a tree, without looking into the kinds that `until` names. */
function* nodes(tree: unknown, kind: string, until: string[] = []): Generator<Node> {
  if (typeof tree !== 'object' || tree === null) return
  for (const [key, value] of Object.entries(tree)) {
    if (until.includes(key)) continue
    if (key === kind) yield value as Node
    yield* nodes(value, kind, until)
  }
}

/** The conditions that must all hold: an `or` binds nothing. */
function conjuncts(where: Node | undefined): Node[] {
  if (where === undefined) return []
  const both = where.BoolExpr as { boolop: string; args: Node[] } | undefined
  return both?.boolop === 'AND_EXPR' ? both.args.flatMap(conjuncts) : [where]
}

const names = (column: Node) => (column.fields as { String?: { sval: string } }[]).map(each => each.String?.sval ?? '*')

function isColumn(node: Node | undefined, column: string, { alias }: Table) {
  const [last, before] = node?.ColumnRef === undefined ? [] : names(node.ColumnRef as Node).toReversed()
  return last === column && (before === undefined || before === alias)
}

/** A parameter, or the owner of the caller in a statement that several share. */
function isCaller({ ParamRef, TypeCast, ColumnRef }: Node): boolean {
  if (TypeCast !== undefined) return isCaller((TypeCast as { arg: Node }).arg)
  return ParamRef !== undefined || (ColumnRef !== undefined && names(ColumnRef as Node).join() === 'asked,owner')
}

function excludesTombstones(condition: Node, table: Table): boolean {
  const test = condition.NullTest as { nulltesttype: string; arg: Node } | undefined
  return test?.nulltesttype === 'IS_NULL' && isColumn(test.arg, 'deleted_at', table)
}
