// Faults that a request asks the sandbox for: `Prefer: code=503`, `delay=800` (ms), `lose=reply`. `code` and `example` are the words of the
// mock, so that the same client code works against both.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestListener, ServerResponse } from 'node:http'
import type { Document } from '../contract/document.ts'
import { type FieldError, invalid, type Kind, Problem } from '../contract/problem.ts'
import type { AnyHandlers } from '../contract/types.ts'
import type { Api } from '../server.ts'
import { parsePreferences } from './preferences.ts'

const maxDelayMs = 20_000 // the server gives a request 30 s to arrive, and the body of a delayed one waits
const setByServer = ['X-Api-Version', 'X-Request-Id']

type Wishes = { code: string | undefined; example: string | undefined; errors: FieldError[]; applied: (preference: string) => void }
const current = new AsyncLocalStorage<Wishes>()

/** Delays requests and loses replies. The handlers of `withFaults` do the rest. */
export function aroundFaults(listener: RequestListener): RequestListener {
  return (request, response) => {
    const { prefer } = request.headers
    if (prefer === undefined) return listener(request, response)
    const { code, example, delay, lose } = Object.fromEntries(parsePreferences(String(prefer)))
    const errors = [...delayErrors(delay), ...loseErrors(lose)]
    const applied = (preference: string) => void response.appendHeader('Preference-Applied', preference)
    const run = () => current.run({ code, example, errors, applied }, () => listener(request, response))
    if (errors.length > 0) return run()

    if (lose !== undefined) loseReply(response)
    if (delay === undefined) return run()
    applied(`delay=${delay}`)
    setTimeout(() => {
      if (!response.destroyed) run() // otherwise the client has gone
    }, Number(delay)).unref()
  }
}

/** The same API, whose handlers throw what the request asks for. A request that is invalid gets its own problem instead, as from the mock. */
export function withFaults(api: Api): Api {
  const responses = declaredResponses(api.document)
  function failing(operationId: string, handle: AnyHandlers[string]): AnyHandlers[string] {
    return async call => {
      const wishes = current.getStore()
      if (wishes !== undefined) fail(wishes, responses.get(operationId) ?? {})
      return handle(call)
    }
  }
  return {
    ...api,
    handlers: (...parts) => Object.fromEntries(Object.entries(api.handlers(...parts)).map(([id, handle]) => [id, failing(id, handle)])),
  }
}

function fail({ code, example, errors, applied }: Wishes, responses: Responses): void {
  if (errors.length > 0) throw invalid(...errors)
  if (code === undefined) return
  const response = responses[code]
  if (response === undefined) throw invalid(wrong('enum', `code must be one of ${Object.keys(responses).join(', ')}`))
  const examples = response.content?.['application/problem+json']?.examples
  if (examples === undefined) return // a success depends on the request
  const [name = '', { value } = {}] = Object.entries(examples).find(([name]) => name === (example ?? name)) ?? []
  if (value === undefined) throw invalid(wrong('enum', `example must be one of ${Object.keys(examples).join(', ')}`))

  applied(example === undefined ? `code=${code}` : `code=${code}, example=${name}`)
  const headers = Object.entries(response.headers ?? {}).filter(([name]) => !setByServer.includes(name))
  throw new Problem(value.type.replace('/problems/', '') as Kind, {
    detail: value.detail,
    errors: value.errors,
    headers: Object.fromEntries(headers.map(([name, { example }]) => [name, example])),
  })
}

/**
 * Resets the connection instead of the reply. A browser itself repeats a request, even a POST, if a connection that it has used before ends
 * without a byte: the request would be executed several times. So 102 comes first. After 102, a browser takes a closed connection for a
 * reply without headers, so this one is reset.
 */
function loseReply(response: ServerResponse): void {
  response.writeProcessing()
  function lose() {
    response.req.socket.resetAndDestroy()
    return response
  }
  Object.assign(response, { writeHead: lose, flushHeaders: lose, end: lose })
}

function delayErrors(delay: string | undefined): FieldError[] {
  if (delay === undefined || (/^\d+$/.test(delay) && Number(delay) <= maxDelayMs)) return []
  return [wrong('maximum', `delay must be a whole number of milliseconds, ${maxDelayMs} at most`)]
}

const loseErrors = (lose: string | undefined) => (lose === undefined || lose === 'reply' ? [] : [wrong('enum', 'lose must be reply')])

const wrong = (code: FieldError['code'], message: string): FieldError => ({ pointer: '/prefer', location: 'header', code, message })

type Example = { value: { type: string; detail: string; errors: FieldError[] } }
type Response = {
  headers?: Record<string, { example: string }>
  content?: Record<string, { examples?: Record<string, Example> }>
}
type Responses = Record<string, Response>

/** The responses of each operation, with their references resolved: those to responses, and then those to headers. */
function declaredResponses(document: Document): Map<string | undefined, Responses> {
  const resolve = (_: string, value: unknown) => {
    const [, ...path] = (value as { $ref?: string } | null)?.$ref?.split('/') ?? []
    return path.length === 0 ? value : path.reduce((node, name) => (node as Record<string, object>)[name] as object, document as object)
  }
  const resolved = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value), resolve)
  const operations = Object.values(document.paths).flatMap(path => Object.values(path) as { operationId?: string; responses?: object }[])
  return new Map(operations.map(({ operationId, responses = {} }) => [operationId, resolved(resolved(responses)) as Responses]))
}
