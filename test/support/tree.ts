// Trees of statements, as two parsers make them: libpg-query from the text alone, and PostgreSQL with the tables and functions in view.

export type Node = { [key: string]: unknown }

/** Every node of one kind in a tree, without looking into the kinds and fields that `until` names. */
export function* nodes(tree: unknown, kind: string, until: readonly string[] = []): Generator<Node> {
  if (typeof tree !== 'object' || tree === null) return
  for (const [key, value] of Object.entries(tree)) {
    if (until.includes(key)) continue
    if (key === kind) yield value as Node
    yield* nodes(value, kind, until)
  }
}

/** Reads a `pg_node_tree`: `{VAR :varno 1 …}` becomes `{ VAR: { varno: '1', … } }`, the form of libpg-query. */
export function parseNodeTree(text: string): unknown {
  const tokens = text.match(/[(){}]|(?:\\.|[^\s(){}\\])+/g) ?? []
  let next = 0
  return value()

  function value(): unknown {
    const token = tokens[next++]
    if (token === '(') return until(')')
    return token === '{' ? node() : token
  }

  function until(end: string): unknown[] {
    const values = []
    while (tokens[next] !== end) values.push(value())
    next++
    return values
  }

  function node(): Node {
    const kind = tokens[next++] as string
    const fields: Node = {}
    while (tokens[next] !== '}') {
      const name = (tokens[next++] as string).slice(1)
      const values = []
      while (tokens[next] !== '}' && !tokens[next]?.startsWith(':')) values.push(value())
      fields[name] = values.length === 1 ? values[0] : values
    }
    next++
    return { [kind]: fields }
  }
}
