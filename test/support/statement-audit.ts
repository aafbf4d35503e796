// Parses a statement and reports where it does not bind the owner, or reads tombstones without a reason.
import { parse } from 'libpg-query'
import { type Node, nodes } from './tree.ts'

type Rules = {
  /** the column with the owner, for each table that has owners */
  owners: Record<string, string>
  /** the tables whose deleted rows stay as tombstones */
  tombstones: readonly string[]
  /** statements that mean tombstones too, by a part of their text */
  exceptions?: readonly { part: string; table: string }[]
  /** reads of several owners' rows, by a part of their text: they may return owners and these columns, and nothing else */
  sweeps?: readonly { part: string; table: string; columns?: readonly string[] }[]
}
type Table = { name: string; alias: string }

/** Makes a function that resolves with the faults of a statement; an empty list if it has none. */
export function createStatementAudit({
  owners,
  tombstones,
  exceptions = [],
  sweeps = [],
}: Rules): (statement: string) => Promise<string[]> {
  return async statement => {
    const faults: string[] = []
    const { stmts } = (await parse(statement)) as { stmts: { stmt: Node }[] }
    for (const { stmt } of stmts) {
      const ctes = [...nodes(stmt, 'CommonTableExpr')]
      for (const node of nodes(stmt, 'InsertStmt')) faults.push(...insertFaults(node, ctes))
      for (const _ of nodes(stmt, 'MergeStmt')) faults.push('is a merge, which this audit does not read')
      for (const kind of ['SelectStmt', 'UpdateStmt', 'DeleteStmt'])
        for (const node of nodes(stmt, kind)) faults.push(...scanFaults(statement, node))
    }
    return faults
  }

  function insertFaults(node: Node, ctes: Node[]): string[] {
    const table = (node.relation as Node).relname as string
    const owner = owners[table]
    if (owner === undefined) return []
    const index = targets(node.cols).findIndex(({ name }) => name === owner)
    if (index === -1) return [`inserts into ${table} without ${owner}`]
    const values = valuesAt(node, index)
    const isBound = values.length > 0 && values.every(value => isOwner(value, ctes))
    return isBound ? [] : [`inserts into ${table} without the caller as ${owner}`]
  }

  /** The caller, or a column of a CTE that is the owner of its table: the CTE binds that table itself. */
  function isOwner(value: Node, ctes: Node[]): boolean {
    if (isCaller(value)) return true
    const [column, relation] = value.ColumnRef === undefined ? [] : names(value.ColumnRef as Node).toReversed()
    const cte = ctes.find(({ ctename }) => ctename === relation)
    if (cte === undefined) return false
    const [query] = Object.values(cte.ctequery as Node) as [Node]
    const list = targets((query.returningClause as Node)?.exprs ?? query.targetList)
    const target = list.find(({ name, val }) => (name ?? (val.ColumnRef && names(val.ColumnRef as Node).at(-1))) === column)
    if (target === undefined) return false
    return tablesOf(query).some(table => isColumn(target.val, owners[table.name] as string, table)) || isOwner(target.val, ctes)
  }

  function scanFaults(statement: string, node: Node): string[] {
    const conditions = conjuncts(node.whereClause as Node | undefined)
    return tablesOf(node).flatMap(table => [
      ...(conditions.some(each => bindsOwner(each, table)) || isSweep(statement, node, table)
        ? []
        : [`does not bind ${owners[table.name]} of ${table.name}`]),
      ...(readsTombstones(statement, table, conditions) ? [`does not say deleted_at is null of ${table.name}`] : []),
    ])
  }

  function isSweep(statement: string, { relation, targetList }: Node, table: Table): boolean {
    const returns = (columns: readonly string[]) => targets(targetList).every(({ val }) => columns.some(each => isColumn(val, each, table)))
    return sweeps.some(
      ({ part, table: name, columns = [] }) =>
        relation === undefined && name === table.name && statement.includes(part) && returns([owners[name] as string, ...columns]),
    )
  }

  function tablesOf({ relation, fromClause, usingClause }: Node): Table[] {
    const from = [...(relation === undefined ? [] : [{ RangeVar: relation }]), ...((fromClause ?? usingClause ?? []) as Node[])]
    return [...nodes(from, 'RangeVar', ['SubLink', 'RangeSubselect'])]
      .map(each => ({ name: each.relname as string, alias: ((each.alias as Node)?.aliasname ?? each.relname) as string }))
      .filter(({ name }) => owners[name] !== undefined)
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

/** The conditions that must all hold: an `or` binds nothing. */
function conjuncts(where: Node | undefined): Node[] {
  if (where === undefined) return []
  const both = where.BoolExpr as { boolop: string; args: Node[] } | undefined
  return both?.boolop === 'AND_EXPR' ? both.args.flatMap(conjuncts) : [where]
}

const targets = (list: unknown) => ((list ?? []) as { ResTarget: { name?: string; val: Node } }[]).map(({ ResTarget }) => ResTarget)

/** What an insert gives to one of its columns, in each of its rows; nothing if that can't be told, as with `select *`. */
function valuesAt({ selectStmt }: Node, index: number): Node[] {
  const { valuesLists, targetList } = (selectStmt as { SelectStmt: Node }).SelectStmt
  if (valuesLists === undefined) return targets(targetList).flatMap(({ val }, place) => (place === index ? [val] : []))
  return (valuesLists as { List: { items: Node[] } }[]).map(({ List }) => List.items[index] as Node)
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
