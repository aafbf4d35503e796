type Node<Value> = { literals: Map<string, Node<Value>>; parameter?: { name: string; node: Node<Value> }; value?: Value }

export type Match<Value> = { value: Value; params: Record<string, string> }

/**
 * Finds what belongs to a path among templates such as `/v1/users/{userId}/tasks`. The templates form a tree of segments,
 * so a match costs as much as its path is long, however many templates there are. A literal goes before a parameter.
 */
export function paths<Value>(templates: Iterable<[template: string, value: Value]>): (path: string) => Match<Value> | undefined {
  const root: Node<Value> = { literals: new Map() }
  for (const [template, value] of templates) grow(root, segments(template)).value = value

  return path => {
    const params: Record<string, string> = {}
    let node: Node<Value> | undefined = root
    for (const segment of segments(path)) {
      const literal: Node<Value> | undefined = node.literals.get(segment)
      if (literal === undefined && node.parameter !== undefined && segment !== '') {
        params[node.parameter.name] = decoded(segment)
        node = node.parameter.node
      } else if (literal !== undefined) node = literal
      else return undefined
    }
    return node.value === undefined ? undefined : { value: node.value, params }
  }
}

const segments = (path: string) => path.split('/').slice(1)

function grow<Value>(root: Node<Value>, names: string[]): Node<Value> {
  let node = root
  for (const name of names) {
    const parameter = /^\{(.+)\}$/.exec(name)?.[1]
    if (parameter !== undefined) {
      node.parameter ??= { name: parameter, node: { literals: new Map() } }
      node = node.parameter.node
    } else {
      const next: Node<Value> = node.literals.get(name) ?? { literals: new Map() }
      node.literals.set(name, next)
      node = next
    }
  }
  return node
}

/** What isn't percent-encoded UTF-8 stays as it is: it names nothing, and the schema or the owner check says so. */
function decoded(segment: string): string {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
