// The steps of every operation, independent of the transport: authenticate, rate limit, own the space, read the body, validate, handle.
import type { Document } from '../contract/document.ts'
import type { Replies } from '../contract/idempotency-key.ts'
import { Problem } from '../contract/problem.ts'
import type { AnyHandlers, AnyReply, Caller, Operations, Unjudged } from '../contract/types.ts'
import type { Steps } from '../observe/spans.ts'
import { createDeprecation } from './deprecation.ts'
import { createIdempotent, keyHeader } from './idempotency.ts'
import { type BodyRules, type Content, createJudge, type Judge, ownerParameter } from './judge.ts'
import type { RateLimit } from './rate-limit.ts'
import { type DeclaredOperation, readOperations } from './validation.ts'

export type Operation = {
  operationId: string
  /** upper case */
  method: string
  /** the template, such as /v1/users/{userId} */
  path: string
  /** what a problem shows instead of a path that has a secret in it; undefined where none has */
  shownPath: string | undefined
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
/** A request whose parts its transport has parsed. The pipeline fills in defaults, and owns the parts from then on. */
export type Request = {
  authorization: string | undefined
  /** where it comes from; asked for only when that is counted */
  address: () => string
  path: Record<string, string>
  query: Record<string, unknown>
  /** by name in lower case */
  headers: Record<string, string | string[] | undefined>
  /** Called at most once, and only for an operation that takes a body. A rejection with a Problem is the outcome. */
  readBody: () => Promise<Content>
  /** A problem of this request as its body, for a reply that has several. */
  describe: (problem: Problem) => object
}
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
  /** Called after an operation other than GET has succeeded for an owner, who may have changed something. */
  changed?: (owner: string) => void
  /** null: steps are not measured */
  steps?: Steps | null
}
type Handle = (call: object) => Promise<AnyReply>

const defaultMaxBodyBytes = 1024 * 1024
const noHeaders = {}

export async function createPipeline({ document, handlers, ...options }: Options): Promise<Operation[]> {
  const declared = await readOperations(document)
  const all: Record<string, Judged> = {}
  const operations = createOperations(all)
  return declared.map(each => {
    const { operationId } = each.declaration
    if (handlers[operationId] === undefined) throw new Error(`${operationId} has no handler`)
    const handle = repeatable(each, handlers[operationId] as Handle, options.replies)
    const { operation, judge } = createOperation(each, handle, operations, options)
    all[operationId] = { judge, handle, takesBody: operation.body !== undefined }
    return operation
  })
}

type Judged = { judge: Judge; handle: Handle; takesBody: boolean }

/** The operations for a handler that executes others. */
function createOperations(all: Readonly<Record<string, Judged>>): Operations {
  function judged(operationId: string, { owner, claims, path, query = {}, headers = {}, body }: Unjudged) {
    const { judge, takesBody } = all[operationId] as Judged
    const accepted = judge({ path, query, header: headers }, takesBody ? { json: body } : undefined, owner)
    return { owner, claims, path, query, headers, body: accepted, operations }
  }
  const operations: Operations = {
    judged: judged as unknown as Operations['judged'],
    async execute(operationId, call) {
      return (all[operationId] as Judged).handle(judged(operationId, call))
    },
  }
  return operations
}

/** The handler, with stored replies if the operation takes a key. One that creates finds by itself what it has created. */
function repeatable({ declaration }: DeclaredOperation, handle: Handle, replies?: Replies): Handle {
  const { operationId, parameters, responses } = declaration
  const takesKey = parameters.some(each => each.in === 'header' && each.name.toLowerCase() === keyHeader)
  if (!takesKey || '201' in responses) return handle
  if (replies === undefined) throw new Error(`${operationId} takes an Idempotency-Key, and no replies can be stored`)
  return createIdempotent(operationId, handle, replies, declaration['x-idempotent'] === true)
}

function createOperation(
  declared: DeclaredOperation,
  handle: Handle,
  operations: Operations,
  options: Omit<Options, 'document' | 'handlers'>,
): { operation: Operation; judge: Judge } {
  const { authenticate, rateLimit, changed, steps = null } = options
  const { declaration, validate } = declared
  const { operationId, method, path, parameters, security, requestBody, responses } = declaration
  const secured = security.some(scheme => 'bearerAuth' in scheme)
  if (!secured && security.length !== 0) throw new Error(`${operationId} asks for another security than bearerAuth`)
  const countsAddress = declaration['x-rate-limit'] === 'address'
  if (secured && countsAddress) throw new Error(`${operationId} asks for a token and counts the address`)
  if (secured && !path.includes(`{${ownerParameter}}`)) throw new Error(`${operationId} asks for a token and has no {${ownerParameter}}`)
  const named = (place: string) => parameters.filter(each => each.in === place)
  const headerNames = named('header').map(({ name }) => name.toLowerCase())
  const budget = method === 'get' ? 'reads' : 'writes'
  const body: BodyRules | undefined = requestBody && {
    types: Object.keys(requestBody.content),
    acceptHeader: method === 'patch' ? 'Accept-Patch' : 'Accept',
    maxBytes: requestBody['x-max-bytes'] ?? defaultMaxBodyBytes,
  }
  const deprecation = createDeprecation(declaration)
  const countIn = counted(declaration['x-rate-limit-count'])
  const judge = createJudge(declared, steps === null ? validate : steps.step('validation', validate), body)

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
      } else if (countsAddress) headers = await rateLimit('address', request.address())

      const content = requestBody === undefined ? undefined : await request.readBody()
      const parts = { path, query, header: chosen(request.headers, headerNames) }
      const json = content !== undefined && 'json' in content ? content.json : undefined
      const deprecated = deprecation.used?.({ query, header: parts.header, body: json }) // before defaults are filled in
      if (deprecated !== undefined) headers = { ...headers, ...deprecated }
      const accepted = judge(parts, content, caller?.id)
      const more = caller === undefined ? 0 : countIn(accepted) - 1
      if (more > 0) headers = { ...headers, ...(await rateLimit(budget, caller?.id as string, more)) }
      const { id: owner, claims, expiresAt } = caller ?? {}
      const call = { owner, claims, expiresAt, path, query, headers: parts.header, body: accepted }
      const reply = await handle({ ...call, operations, describe: request.describe })
      if (owner !== undefined && budget === 'writes') changed?.(owner)
      return { headers, reply }
    } catch (error) {
      return { headers, problem: error instanceof Problem ? error : new Problem('internal', { cause: error }) }
    }
  }

  const operation: Operation = {
    operationId,
    method: method.toUpperCase(),
    path,
    shownPath: named('path').some(each => each['x-secret']) ? path.replaceAll(/\{\w+\}/g, '***') : undefined,
    headers: deprecation.always,
    replyHeaders: Object.values(responses).flatMap(({ headers = {} }) => Object.keys(headers)),
    query: new Map(named('query').map(({ name, schema }) => [name, schema?.type])),
    body,
    vital: declaration['x-never-shed'] === true,
    run,
  }
  return { operation, judge }
}

/** How many requests a valid one counts as: the length of a list in its body, which the spec names by its JSON pointer. */
function counted(pointer: string | undefined): (body: unknown) => number {
  if (pointer === undefined) return () => 1
  const name = pointer.slice(1)
  return body => (body as Record<string, unknown[]>)[name]?.length ?? 1
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
