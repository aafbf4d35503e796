// The steps of every operation, independent of the transport: authenticate, rate limit, own the space, read the body, validate, handle.
import type { Document } from '../contract/document.ts'
import type { Replies } from '../contract/idempotency-key.ts'
import { type FieldError, invalid, type MediaTypes, Problem, unsupportedMediaType } from '../contract/problem.ts'
import type { AnyHandlers, AnyReply, Caller, Upload } from '../contract/types.ts'
import type { Steps } from '../observe/spans.ts'
import { createTidy } from './body.ts'
import { createDeprecation } from './deprecation.ts'
import { createIdempotent, keyHeader } from './idempotency.ts'
import type { RateLimit } from './rate-limit.ts'
import { type DeclaredOperation, readOperations } from './validation.ts'

export type Operation = {
  operationId: string
  /** upper case */
  method: string
  /** the template, such as /v1/users/{userId} */
  path: string
  /** on every reply, also on a refusal */
  headers: Record<string, string>
  /** the names of all headers that the spec declares for its replies */
  replyHeaders: readonly string[]
  /** the JSON type of each query parameter */
  query: ReadonlyMap<string, string | undefined>
  /** undefined where the operation takes none */
  body: BodyRules | undefined
  /** must be served under overload too */
  vital: boolean
  /** Never rejects. */
  run: (request: Request) => Promise<Outcome>
}
/** The bodies that an operation takes. */
export type BodyRules = MediaTypes & { maxBytes: number }

/** A request whose parts its transport has parsed. The pipeline fills in defaults, and owns the parts from then on. */
export type Request = {
  authorization: string | undefined
  /** where it comes from; asked for only when the caller is not authenticated */
  address: () => string
  path: Record<string, string>
  query: Record<string, unknown>
  /** by name in lower case */
  headers: Record<string, string | string[] | undefined>
  /** Called at most once, and only for an operation that takes a body. A rejection with a Problem is the outcome. */
  readBody: () => Promise<Content>
}
/** The value of a JSON body, undefined where there is none; or any other body as it arrives. */
export type Content = { json: unknown } | Upload

/** A reply or a problem, with headers that either has. The cause of an internal problem is the error. */
export type Outcome =
  | { headers: Record<string, string>; reply: AnyReply; problem?: never }
  | { headers: Record<string, string>; problem: Problem; reply?: never }

type Options = {
  document: Document
  handlers: AnyHandlers
  authenticate: (authorization: string | undefined) => Promise<Caller>
  rateLimit: RateLimit
  /** where replies to repeated requests are stored; needed if an operation takes an Idempotency-Key and does not reply 201 */
  replies?: Replies | undefined
  /** null: steps are not measured */
  steps?: Steps | null
}
type Handle = (call: object) => Promise<AnyReply>

const defaultMaxBodyBytes = 1024 * 1024
const ownerParameter = 'userId' // of a path: whose space it is
const noHeaders = {}

export async function createPipeline({ document, handlers, ...options }: Options): Promise<Operation[]> {
  const operations = await readOperations(document)
  return operations.map(declared => {
    const { operationId } = declared.declaration
    if (handlers[operationId] === undefined) throw new Error(`${operationId} has no handler`)
    return createOperation(declared, repeatable(declared, handlers[operationId] as Handle, options.replies), options)
  })
}

/** The handler, with stored replies if the operation takes a key. One that creates finds by itself what it has created. */
function repeatable({ declaration: { operationId, parameters, responses } }: DeclaredOperation, handle: Handle, replies?: Replies): Handle {
  const takesKey = parameters.some(each => each.in === 'header' && each.name.toLowerCase() === keyHeader)
  if (!takesKey || '201' in responses) return handle
  if (replies === undefined) throw new Error(`${operationId} takes an Idempotency-Key, and no replies can be stored`)
  return createIdempotent(operationId, handle, replies)
}

function createOperation(
  { declaration, validate }: DeclaredOperation,
  handle: Handle,
  options: Omit<Options, 'document' | 'handlers'>,
): Operation {
  const { authenticate, rateLimit, steps = null } = options
  const { operationId, method, path, parameters, security, requestBody, responses } = declaration
  const secured = security.some(scheme => 'bearerAuth' in scheme)
  if (!secured && security.length !== 0) throw new Error(`${operationId} asks for another security than bearerAuth`)
  if (secured && !path.includes(`{${ownerParameter}}`)) throw new Error(`${operationId} asks for a token and has no {${ownerParameter}}`)
  const named = (place: string) => parameters.filter(each => each.in === place)
  const headerNames = named('header').map(({ name }) => name.toLowerCase())
  const budget = method === 'get' ? 'reads' : 'writes'
  const jsonBody = requestBody?.content['application/json']
  const { idErrors, tidy } = createTidy(jsonBody?.schema)
  const ownParameter = /\{(\w+)\}$/.exec(path)?.[1] // has the id of the resource, where there is one
  const body: BodyRules | undefined = requestBody && {
    types: Object.keys(requestBody.content),
    acceptHeader: method === 'patch' ? 'Accept-Patch' : 'Accept',
    maxBytes: requestBody['x-max-bytes'] ?? defaultMaxBodyBytes,
  }
  const deprecation = createDeprecation(declaration)
  const check = steps === null ? validate : steps.step('validation', validate)

  async function run(request: Request): Promise<Outcome> {
    let headers: Record<string, string> = noHeaders
    try {
      const { path, query } = request
      let caller: Caller | undefined
      if (secured) {
        try {
          caller = await authenticate(request.authorization)
        } catch (error) {
          // Count this too when the key can't be fetched. Otherwise made-up key ids would trigger unlimited fetches.
          if (error instanceof Problem) headers = await rateLimit('address', request.address())
          throw error
        }
        headers = await rateLimit(budget, caller.id)
        if (path[ownerParameter] !== 'me' && path[ownerParameter] !== caller.id) throw new Problem('forbidden')
      }

      const content = requestBody === undefined ? undefined : await request.readBody()
      const json = content !== undefined && 'json' in content ? { requestBody: content.json } : undefined
      const parts = { path, query, header: chosen(request.headers, headerNames) }
      const deprecated = deprecation.used?.({ query, header: parts.header, body: json?.requestBody }) // before defaults are filled in
      if (deprecated !== undefined) headers = { ...headers, ...deprecated }
      const errors = check(parts, json)
      if (json !== undefined)
        errors.push(...(jsonBody === undefined ? jsonRefused(json.requestBody) : idErrors(json.requestBody, ownId(path, caller))))
      if (errors.length > 0) throw invalid(...errors)

      if (json !== undefined) tidy(json.requestBody)
      const accepted = json === undefined ? content : json.requestBody
      return {
        headers,
        reply: await handle({ owner: caller?.id, claims: caller?.claims, path, query, headers: parts.header, body: accepted }),
      }
    } catch (error) {
      return { headers, problem: error instanceof Problem ? error : new Problem('internal', { cause: error }) }
    }
  }

  function ownId(params: Request['path'], caller: Caller | undefined): string | undefined {
    if (ownParameter === undefined) return undefined
    return ownParameter === ownerParameter ? caller?.id : params[ownParameter]
  }

  /** The errors of a request without a body, where the operation takes one that is not JSON. */
  function jsonRefused(json: unknown): FieldError[] {
    if (json !== undefined) throw unsupportedMediaType(body as BodyRules)
    return requestBody?.required ? [{ pointer: '', location: 'body', code: 'required', message: 'is missing' }] : []
  }

  return {
    operationId,
    method: method.toUpperCase(),
    path,
    headers: deprecation.always,
    replyHeaders: Object.values(responses).flatMap(({ headers = {} }) => Object.keys(headers)),
    query: new Map(named('query').map(({ name, schema }) => [name, schema?.type])),
    body,
    vital: declaration['x-never-shed'] === true,
    run,
  }
}

/** The headers that an operation knows. One that was sent several times is a list. */
function chosen(headers: Request['headers'], names: readonly string[]): Record<string, string | undefined> {
  const values: Record<string, string | undefined> = {}
  for (const name of names) {
    const value = headers[name]
    values[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return values
}
