// The router with documents of different sizes and without a database. The documents repeat the real paths under other names.
import { type Document, document } from '../../src/contract/document.ts'
import type { AnyReply, Caller } from '../../src/contract/types.ts'
import { createRouter, type Request } from '../../src/http/router.ts'

const templates = { '/v1/users/{userId}/tasks': ['get', 'post'], '/v1/users/{userId}/tasks/{taskId}': ['get', 'patch'] }
const caller: Caller = { id: 'ann', claims: { email: null, name: null } }
const connection = { address: () => '127.0.0.1', announce: () => {} }
const reply: AnyReply = { status: 200, body: {} }

/** Returns a function that sends so many requests, spread evenly over the operations, and returns the microseconds of one. */
export async function createTimer(operations: number): Promise<(times: number) => Promise<number>> {
  const nouns = Array.from({ length: operations / 4 }, (_, index) => `noun${index}`)
  const { document, ids } = repeat(nouns)
  const handlers = Object.fromEntries(ids.map(id => [id, async () => reply]))
  const router = await createRouter({ document, handlers: handlers as never, authenticate: async () => caller, limits: async () => ({}) })
  const sequence = nouns.flatMap(noun => requests(`/v1/users/me/${noun}`))

  return async times => {
    const start = performance.now()
    for (let n = 0; n < times; n++) {
      const { method, path, request } = sequence[n % sequence.length] as (typeof sequence)[number]
      await router(method, path).answer(request)
    }
    return ((performance.now() - start) * 1000) / times
  }
}

function repeat(nouns: string[]) {
  const ids: string[] = []
  const paths: Document['paths'] = {}
  for (const noun of nouns)
    for (const [path, methods] of Object.entries(templates)) {
      const { parameters, ...operations } = document.paths[path] as Record<string, object & { operationId: string }>
      const own = methods.map(method => {
        const operationId = `${operations[method]?.operationId}_${noun}`
        ids.push(operationId)
        return [method, { ...operations[method], operationId }]
      })
      paths[path.replace('tasks', noun)] = { parameters, ...Object.fromEntries(own) }
    }
  return { document: { ...document, paths }, ids }
}

function requests(path: string): { method: string; path: string; request: Request }[] {
  const one = `${path}/019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12`
  const get = (query: string): Request => ({
    headers: { authorization: 'Bearer a.b.c' },
    query,
    body: async () => undefined,
    ...connection,
  })
  const send = (body: object): Request => {
    const bytes = Buffer.from(JSON.stringify(body))
    const headers = { 'content-type': 'application/json', 'content-length': String(bytes.length) }
    return { headers, query: '', body: async () => bytes, ...connection }
  }
  return [
    { method: 'GET', path, request: get('limit=20') },
    { method: 'GET', path: one, request: get('') },
    { method: 'POST', path, request: send({ title: 'Book the ferry', dueDate: '2027-03-01', labels: ['travel'] }) },
    { method: 'PATCH', path: one, request: send({ completed: true }) },
  ]
}
