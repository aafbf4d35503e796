// The router and the pipeline with documents of different sizes and without a database. The documents repeat the real paths under other
// names.
import { type Document, document } from '../../src/contract/document.ts'
import type { AnyReply, Caller } from '../../src/contract/types.ts'
import { parseQuery } from '../../src/http/query.ts'
import { createRouter } from '../../src/http/router.ts'
import { createPipeline } from '../../src/pipeline/pipeline.ts'

const templates = { '/v1/users/{userId}/tasks': ['get', 'post'], '/v1/users/{userId}/tasks/{taskId}': ['get', 'patch'] }
const caller: Caller = { id: 'ann', claims: { email: null, name: null }, expiresAt: Number.MAX_SAFE_INTEGER }
const reply: AnyReply = { status: 200, body: {} }

type Sent = { method: string; path: string; query: string; body: string }

/** Returns a function that sends so many requests, spread evenly over the operations, and returns the microseconds of one. */
export async function createTimer(operations: number): Promise<(times: number) => Promise<number>> {
  const nouns = Array.from({ length: Math.ceil(operations / 4) }, (_, index) => `noun${index}`)
  const { document, ids } = repeat(nouns, operations)
  const handlers = Object.fromEntries(ids.map(id => [id, async () => reply]))
  const { find } = createRouter(await createPipeline({ document, handlers, authenticate: async () => caller, rateLimit: async () => ({}) }))
  const sequence = nouns.flatMap(noun => requests(`/v1/users/me/${noun}`)).slice(0, operations)

  function send({ method, path, query, body }: Sent) {
    const { operation, params } = find(method, path)
    return operation.run({
      authorization: 'Bearer a.b.c',
      address: () => '127.0.0.1',
      path: params,
      query: parseQuery(query, operation.query),
      headers: {},
      readBody: async () => ({ json: JSON.parse(body) }),
      describe: problem => problem.body('/', ''),
    })
  }

  return async times => {
    const start = performance.now()
    for (let n = 0; n < times; n++) {
      const { problem } = await send(sequence[n % sequence.length] as Sent)
      if (problem !== undefined) throw problem
    }
    return ((performance.now() - start) * 1000) / times
  }
}

/** As many operations of the nouns as wanted; `requests` has the same order. */
function repeat(nouns: string[], operations: number) {
  const ids: string[] = []
  const paths: Document['paths'] = {}
  for (const noun of nouns)
    for (const [path, methods] of Object.entries(templates)) {
      const { parameters, ...originals } = document.paths[path] as Record<string, object & { operationId: string }>
      const own = methods.slice(0, operations - ids.length).map(method => {
        const operationId = `${originals[method]?.operationId}_${noun}`
        ids.push(operationId)
        return [method, { ...originals[method], operationId }]
      })
      if (own.length > 0) paths[path.replace('tasks', noun)] = { parameters, ...Object.fromEntries(own) }
    }
  return { document: { ...document, paths }, ids }
}

function requests(path: string): Sent[] {
  const one = `${path}/019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12`
  const withQuery = (query: string) => ({ query, body: '' })
  const withBody = (body: object) => ({ query: '', body: JSON.stringify(body) })
  return [
    { method: 'GET', path, ...withQuery('limit=20') },
    { method: 'POST', path, ...withBody({ title: 'Book the ferry', dueDate: '2027-03-01', labels: ['travel'] }) },
    { method: 'GET', path: one, ...withQuery('') },
    { method: 'PATCH', path: one, ...withBody({ completed: true }) },
  ]
}
