// From method and path to an operation.
import { Problem } from '../contract/problem.ts'
import type { Operation } from '../pipeline/pipeline.ts'
import { createPaths } from './paths.ts'

export type Route = { operation: Operation; params: Record<string, string> }
export type Router = {
  /** Throws 404 where there is no such path, and 405 where the path has other methods. */
  find: (method: string, path: string) => Route
  /** The headers that name the methods of a path, or of all paths for `*`. Throws 404 where there is no such path. */
  methodHeaders: (path: string) => Record<string, string>
  /** The path as a problem shows it: without a secret. */
  shown: (path: string) => string
}
type Methods = ReadonlyMap<string, Operation>

/** `prefix` is that of the paths that clients see. */
export function createRouter(operations: readonly Operation[], prefix = ''): Router {
  const byPath = new Map<string, Map<string, Operation>>()
  for (const operation of operations) {
    const byMethod = byPath.get(operation.path) ?? new Map<string, Operation>()
    byPath.set(operation.path, byMethod.set(operation.method, operation))
  }
  const match = createPaths<Methods>(byPath)
  const allMethods = { Allow: allowed(operations.map(({ method }) => method)) }

  function matched(path: string) {
    return match(path) ?? notFound(prefix)
  }

  return {
    find(method, path) {
      const { value, params } = matched(path)
      const operation = value.get(method === 'HEAD' ? 'GET' : method)
      if (operation === undefined) throw new Problem('method-not-allowed', { headers: headersOf(value) })
      return { operation, params }
    },
    methodHeaders: path => (path === '*' ? allMethods : headersOf(matched(path).value)),
    shown(path) {
      const [operation] = match(path)?.value.values() ?? []
      return operation?.shownPath ?? path
    },
  }
}

function notFound(prefix: string): never {
  throw new Problem('not-found', { detail: `There is no such path. The reference is at ${prefix}/docs.` })
}

function headersOf(methods: Methods): Record<string, string> {
  const patch = methods.get('PATCH')?.body
  return { Allow: allowed(methods.keys()), ...(patch && { [patch.acceptHeader]: patch.types.join(', ') }) }
}

function allowed(declared: Iterable<string>): string {
  const methods = new Set(declared).add('OPTIONS')
  if (methods.has('GET')) methods.add('HEAD')
  return [...methods].sort().join(', ')
}
