type Node<Value> = {
  literals: Map<string, Node<Value>>
  /** longest literal part first; one without prefix and suffix is the last */
  parameters: Parameter<Value>[]
  value?: Value
}
type Parameter<Value> = { prefix: string; name: string; suffix: string; node: Node<Value> }

export type Match<Value> = { value: Value; params: Record<string, string> }

/**
 * Finds the value of a path among templates such as `/v1/users/{userId}/tasks` or `/calendars/{token}.ics`. The templates form a tree of
 * segments, so the cost of a match depends on the length of the path and not on the number of templates. In each segment a literal
 * precedes a parameter with a prefix or suffix, and that one precedes a plain parameter. A percent-encoded character equals the character, in
 * literals too (RFC 3986, section 6.2.2.2). An encoded slash or dot never becomes a step of the path.
 */
export function createPaths<Value>(templates: Iterable<[template: string, value: Value]>): (path: string) => Match<Value> | undefined {
  const root: Node<Value> = createNode()
  for (const [template, value] of templates) segments(template).reduce(child, root).value = value

  return path => {
    const params: Record<string, string> = {}
    let node = root
    for (const encoded of segments(path)) {
      const segment = decoded(encoded)
      const literal = node.literals.get(segment)
      if (literal !== undefined) {
        node = literal
        continue
      }
      const parameter = parameterOf(node, segment)
      if (parameter === undefined) return undefined
      params[parameter.name] = segment.slice(parameter.prefix.length, segment.length - parameter.suffix.length)
      node = parameter.node
    }
    return node.value === undefined ? undefined : { value: node.value, params }
  }
}

const segments = (path: string) => path.split('/').slice(1)

function createNode<Value>(): Node<Value> {
  return { literals: new Map(), parameters: [] }
}

/** The node of a template's segment below another node, made where there is none. */
function child<Value>(node: Node<Value>, segment: string): Node<Value> {
  const [, prefix, name, suffix] = /^([^{}]*)\{([^{}]+)\}([^{}]*)$/.exec(segment) ?? []
  if (prefix === undefined || name === undefined || suffix === undefined) {
    if (/[{}]/.test(segment)) throw new Error(`a segment of a path has one parameter at most: ${segment}`)
    const literal = node.literals.get(segment) ?? createNode<Value>()
    node.literals.set(segment, literal)
    return literal
  }
  const same = node.parameters.find(each => each.prefix === prefix && each.suffix === suffix)
  if (same !== undefined && same.name !== name) throw new Error(`one parameter has two names: ${same.name} and ${name}`)
  if (same !== undefined) return same.node
  const parameter = { prefix, name, suffix, node: createNode<Value>() }
  node.parameters.push(parameter)
  node.parameters.sort((a, b) => b.prefix.length + b.suffix.length - a.prefix.length - a.suffix.length)
  return parameter.node
}

/** The first parameter whose literal parts are in the segment, with at least one character between them. */
function parameterOf<Value>({ parameters }: Node<Value>, segment: string): Parameter<Value> | undefined {
  for (const each of parameters) {
    const { prefix, suffix } = each
    if (segment.length > prefix.length + suffix.length && segment.startsWith(prefix) && segment.endsWith(suffix)) return each
  }
}

/** A segment that is not percent-encoded UTF-8 stays as it is: it names nothing, and the schema or the owner check refuses it. */
function decoded(segment: string): string {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
