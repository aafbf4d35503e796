// From method and path to an operation.
import { Problem } from '../contract/problem.ts'
import type { Operation } from '../pipeline/pipeline.ts'
import { createPaths } from './paths.ts'

export type Route = { operation: Operation; params: Record<string, string> }
/** Throws 404 where there is no such path, and 405 where the path has other methods. */
export type Router = (method: string, path: string) => Route

/** `prefix` is that of the paths that clients see. */
export function createRouter(operations: readonly Operation[], prefix = ''): Router {
  const byPath = new Map<string, Map<string, Operation>>()
  for (const operation of operations) {
    const byMethod = byPath.get(operation.path) ?? new Map<string, Operation>()
    byPath.set(operation.path, byMethod.set(operation.method, operation))
  }
  const find = createPaths(byPath)

  return (method, path) => {
    const match = find(path)
    if (match === undefined) throw new Problem('not-found', { detail: `There is no such path. The reference is at ${prefix}/docs.` })
    const operation = match.value.get(method === 'HEAD' ? 'GET' : method)
    if (operation === undefined) throw new Problem('method-not-allowed', { headers: methodHeaders(match.value) })
    return { operation, params: match.params }
  }
}

function methodHeaders(methods: ReadonlyMap<string, Operation>): Record<string, string> {
  const patch = methods.get('PATCH')?.body
  return { Allow: allowed([...methods.keys()]), ...(patch && { [patch.acceptHeader]: patch.types.join(', ') }) }
}

function allowed(methods: string[]): string {
  return (methods.includes('GET') ? ['HEAD', ...methods] : methods).sort().join(', ')
}
