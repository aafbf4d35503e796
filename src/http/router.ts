// From a request to its reply, by the spec. The only file that knows openapi-backend and ajv.
import { Ajv2020, type Options as AjvOptions, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { OpenAPIBackend, OpenAPIValidator, type Operation as SpecOperation } from 'openapi-backend'
import type { Document } from '../contract/document.ts'
import { type FieldError, invalid, Problem } from '../contract/problem.ts'
import type { AnyReply, Caller, Handlers, OperationId } from '../contract/types.ts'
import type { Steps } from '../observe/spans.ts'
import { type Deprecation, deprecation } from '../pipeline/deprecation.ts'
import type { Limits } from '../pipeline/rate-limit.ts'
import { createPaths } from './paths.ts'

/** An HTTP request as far as the spec is concerned. The body is read when it's its turn. */
export type Request = {
  headers: Record<string, string | string[] | undefined>
  /** what stands behind the question mark */
  query: string
  body: () => Promise<Buffer | undefined>
  /** where it comes from, as far as the proxies in front can be believed */
  address: () => string
  /** Hears of headers that the reply is to have, whatever it will be. */
  announce: (headers: Record<string, string>) => void
}
export type Route = {
  operationId: OperationId
  /** its path as the spec writes it */
  template: string
  /** what every reply of the operation has, also a refusal */
  headers: Record<string, string>
  /** Throws a Problem for what is refused; whatever else it throws is a mistake of ours. */
  answer: (request: Request) => Promise<AnyReply>
}
export type Router = (method: string, path: string) => Route

type Parts = { path: Record<string, string>; query: Record<string, unknown>; header: Record<string, unknown> }
type Answer = (request: Request, params: Record<string, string>) => Promise<AnyReply>
type Options = {
  document: Document
  handlers: Handlers
  authenticate: (authorization: string | undefined) => Promise<Caller>
  limits: Limits
  steps?: Steps | null
}

/**
 * Builds the router. openapi-backend reads the document and makes the validators, once; each operation becomes one function,
 * found by its path in a tree, so that a request costs the same however many operations there are.
 */
export async function createRouter({ document, handlers, authenticate, limits, steps = null }: Options): Promise<Router> {
  const api = new OpenAPIBackend({ definition: structuredClone(document) as never, strict: true, validate: false })
  // openapi-backend checks documents against OpenAPI 3.0 only; a linter for 3.1 checks ours in the tests.
  api.validateDefinition = () => api.document
  await api.init()

  const judge = ajv()
  const validator = new OpenAPIValidator({
    definition: api.definition,
    router: api.router,
    lazyCompileValidators: true,
    customizeAjv: () => judge,
  })
  const routes = new Map<string, Map<string, Omit<Route, 'answer'> & { answer: Answer }>>()
  for (const operation of api.router.getOperations() as SpecOperation[]) {
    const operationId = operation.operationId as OperationId
    const validators = validator.getRequestValidatorsForOperation(operationId)
    if (validators === null || handlers[operationId] === undefined) throw new Error(`${operationId} has no handler`)
    const { always: headers, used } = deprecation(operation as never)
    const answer = compile(operation, validators, used, handlers[operationId] as never, authenticate, limits, steps)
    const methods = routes.get(operation.path) ?? new Map()
    routes.set(operation.path, methods.set(operation.method.toUpperCase(), { operationId, template: operation.path, headers, answer }))
  }
  const find = createPaths(routes)

  return (method, path) => {
    const match = find(path)
    if (match === undefined) throw new Problem('not-found', { detail: 'There is no such path. The reference is at /docs.' })
    const route = match.value.get(method === 'HEAD' ? 'GET' : method)
    if (route === undefined) throw new Problem('method-not-allowed', { headers: { Allow: allowed([...match.value.keys()]) } })
    return { ...route, answer: request => route.answer(request, match.params) }
  }
}

/** One operation as one function: authenticate, own the space, read the body, check it all, handle. */
function compile(
  operation: SpecOperation,
  validators: ValidateFunction[],
  deprecated: Deprecation['used'],
  handle: (call: object) => Promise<AnyReply>,
  authenticate: Options['authenticate'],
  limits: Limits,
  steps: Steps | null,
): Answer {
  const secured = operation.security?.some(scheme => 'bearerAuth' in scheme) ?? false
  if (!secured && operation.security?.length !== 0) throw new Error(`${operation.operationId} asks for another security than bearerAuth`)
  const parameters = (operation.parameters ?? []).filter(each => 'in' in each)
  const names = parameters.flatMap(each => (each.in === 'header' ? [each.name.toLowerCase()] : []))
  const types = new Map(parameters.flatMap(each => (each.in === 'query' ? [[each.name, (each.schema as { type?: string }).type]] : [])))
  const budget = operation.method === 'get' ? 'reads' : 'writes'
  const hasBody = operation.requestBody !== undefined
  const checkParts = validators.at(-1) as ValidateFunction
  const checkBody = hasBody ? (validators[0] as ValidateFunction) : undefined
  const check = steps === null ? mistakes : steps.step('validation', mistakes)

  return async (request, path) => {
    const caller = secured ? await admitted(request) : undefined
    if (caller !== undefined && path.userId !== 'me' && path.userId !== caller.id) throw new Problem('forbidden')

    const body = hasBody ? { requestBody: await readJson(request) } : {}
    const parts: Parts = { path, query: parseQuery(request.query, types), header: {} }
    for (const name of names) parts.header[name] = header(request, name)

    const { query, header: headers } = parts
    const announced = deprecated?.({ query, header: headers, body: body.requestBody }) // before defaults are filled in
    const errors = check(parts, body)
    if (errors.length > 0) throw invalid(...errors)
    const reply = await handle({ owner: caller?.id, claims: caller?.claims, path, query, headers, body: body.requestBody })
    return announced === undefined ? reply : { ...reply, headers: { ...reply.headers, ...announced } }
  }

  function mistakes(parts: Parts, body: object): FieldError[] {
    return [...failures(checkParts, parts), ...(checkBody === undefined ? [] : failures(checkBody, body))]
  }

  async function admitted(request: Request): Promise<Caller> {
    const caller = await authenticate(header(request, 'authorization')).catch(async error => {
      // Also when its key can't be had: else who invents keys would ask without end.
      if (error instanceof Problem) request.announce(await limits('address', request.address()))
      throw error
    })
    request.announce(await limits(budget, caller.id))
    return caller
  }
}

/** The JSON of the body; undefined where there is none, which the schema judges. */
async function readJson(request: Request): Promise<unknown> {
  const type = header(request, 'content-type')
  const hasBody = request.headers['transfer-encoding'] !== undefined || Number(header(request, 'content-length') ?? 0) > 0
  if (!hasBody) return undefined
  if (!media.test(type ?? '')) throw new Problem('unsupported-media-type')
  const bytes = await request.body()
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch (cause) {
    throw new Problem('malformed-json', { cause })
  }
}

// A semicolon may have nothing behind it (RFC 9110, section 5.6.6). No text can match in two ways, so a long one takes no time.
const media = /^application\/json[ \t]*(;[ \t]*(charset="?utf-8"?[ \t]*)?)*$/i
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A header that was sent once or more often. */
function header({ headers }: Request, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

function parseQuery(text: string, types: Map<string, string | undefined>): Parts['query'] {
  const query: Parts['query'] = Object.create(null) // `__proto__` is a name like any other
  if (text === '') return query
  const given = new URLSearchParams(text)
  for (const name of new Set(given.keys())) query[name] = typed(types.get(name), given.getAll(name))
  return query
}

/** What the text stands for. Whatever isn't written as in JSON stays text, and the schema refuses it. */
function typed(type: string | undefined, texts: string[]): unknown {
  const [text, ...more] = texts as [string, ...string[]]
  if (type === 'array' || more.length > 0) return texts
  if (type === 'integer' && /^-?(0|[1-9]\d{0,14})$/.test(text)) return Number(text)
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true'
  return text
}

function allowed(methods: string[]) {
  return (methods.includes('GET') ? ['HEAD', ...methods] : methods).sort().join(', ')
}

/** Reports every mistake, and fills in defaults. */
function ajv(): Ajv2020 {
  const options: AjvOptions = { allErrors: true, strict: false, verbose: true, useDefaults: true }
  const made = new Ajv2020({ ...options, validateSchema: false }) // the linter has checked the schemas; it would cost half a start
  addFormats.default(made)
  made.addFormat('time-zone', isTimeZone)
  return made
}

const timeZones = new Set<string>() // those asked for so far: to ask Intl costs more than the rest of the validation

function isTimeZone(name: string): boolean {
  if (timeZones.has(name)) return true
  try {
    new Intl.DateTimeFormat(undefined, { timeZone: name })
    if (timeZones.size < 10_000) timeZones.add(name)
    return true
  } catch {
    return false
  }
}

const reported = 100 // mistakes at the most

function failures(check: ValidateFunction, value: unknown): FieldError[] {
  if (check(value)) return []
  // `if` only says that `then` failed, which says so itself.
  return (check.errors ?? [])
    .filter(error => error.keyword !== 'if')
    .slice(0, reported)
    .map(fieldError)
}

const locations = { path: 'path', query: 'query', header: 'header', requestBody: 'body' } as const

function fieldError(error: ErrorObject): FieldError {
  const at = error.keyword === 'required' ? `/${error.params.missingProperty}` : ''
  const extra = error.keyword === 'additionalProperties' ? `/${escaped(error.params.additionalProperty)}` : ''
  const [, part, pointer] = /^\/([^/]+)(.*)$/s.exec(error.instancePath + at + extra) as unknown as [string, keyof typeof locations, string]
  return {
    pointer,
    location: locations[part],
    code: (error.keyword === 'additionalProperties' ? 'unknown' : error.keyword) as FieldError['code'],
    message: message(error),
  }
}

function message({ keyword, message, params, parentSchema }: ErrorObject): string {
  if (keyword === 'required') return 'is missing'
  if (keyword === 'additionalProperties') return 'is not known here'
  if (keyword === 'enum') return `must be one of ${params.allowedValues.join(', ')}`
  if (keyword === 'pattern' && parentSchema?.['x-pattern'] !== undefined) return parentSchema['x-pattern']
  return message ?? keyword
}

const escaped = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1')
