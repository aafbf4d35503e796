// The spec for the tests: its operations, and a check of replies. Independent of the router and the validators of the server.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { document as source } from '../../src/contract/document.ts'
import type { OperationId } from '../../src/contract/types.ts'
import { cases } from './checks.ts'

export type Schema = { [keyword: string]: unknown } & {
  $ref?: string
  properties?: Record<string, Schema>
  items?: Schema
  required?: string[]
}
export type Media = { schema: Schema; examples?: Record<string, { value?: unknown; $ref?: string }> }
export type Header = { required?: boolean; schema: Schema }
export type Response = {
  description: string
  headers?: Record<string, Header>
  content?: Record<string, Media>
  links?: Record<string, { $ref: string }>
  'x-any-request'?: boolean
}
export type Parameter = { name: string; in: 'path' | 'query' | 'header'; required?: boolean; schema: Schema; example?: unknown }
export type Operation = {
  operationId: OperationId
  method: string
  path: string
  summary?: string
  description?: string
  tags?: string[]
  security?: object[]
  parameters: Parameter[]
  requestBody?: { required?: boolean; content: Record<string, Media>; 'x-max-bytes'?: number }
  responses: Record<string, Response>
  'x-idempotent'?: boolean
}

/** What a reply is checked against. */
type Replying = Pick<Operation, 'responses'> & { operationId: string }

/** From a reply to an operation on what it made. Each value is a runtime expression. */
export type Link = { operationId: OperationId; parameters: Record<string, string> }

type SpecDocument = {
  info: { version: string }
  security: object[]
  tags: { name: string }[]
  paths: Record<string, Record<string, unknown>>
  components: {
    schemas: Record<string, Schema>
    responses: Record<string, Response>
    examples: Record<string, unknown>
    links: Record<string, Link>
    headers: Record<string, { example: unknown }>
  }
}

// Headers that a reply may have without a declaration: those of HTTP, CORS and security. Any other header must be declared.
const undeclaredHeaders = new Set([
  'access-control-allow-credentials',
  'access-control-allow-origin',
  'access-control-expose-headers',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-security-policy',
  'content-type',
  'cross-origin-resource-policy',
  'date',
  'deprecation',
  'keep-alive',
  'referrer-policy',
  'strict-transport-security',
  'transfer-encoding',
  'sunset',
  'vary',
  'x-api-version',
  'x-content-type-options',
  'x-request-id',
])

/** Headers that a server in development adds, so that a browser shows its timings. Clients must not rely on them. */
export const inDevelopment = ['server-timing', 'timing-allow-origin']

/** White space, control characters and characters without a glyph. */
const invisible = /[\s\x85\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/gu

/** In the place of an operation's id: the reply came before the operation was known. */
export const anyRequest = 'any request'

export type Answer = { status: number; headers: Headers; body: unknown }

/** Headers that every reply of the server must have. */
export const requiredHeaders = ['x-api-version', 'x-request-id', 'cache-control', 'x-content-type-options']

export const { document, resolved, operations, operation, exampleBody, exampleContent, faults, violations, early } = readSpec(source)

/** Reads a document: its operations with references resolved, and judges of values and replies. */
export function readSpec(source: object) {
  const document = source as SpecDocument
  /** The target of a `$ref`, or the value itself. */
  function resolved<T>(value: T | { $ref: string }): T {
    if (typeof value !== 'object' || value === null || !('$ref' in value)) return value as T
    const path = (value.$ref as string).split('/').slice(1)
    const node = path.reduce<unknown>(
      (each, name) => (each as Record<string, unknown>)[name.replaceAll('~1', '/').replaceAll('~0', '~')],
      document,
    )
    return resolved(node as T)
  }

  const found: Operation[] = Object.entries(document.paths).flatMap(([path, { parameters = [], ...methods }]) =>
    Object.entries(methods).map(([method, value]) => {
      const operation = value as Operation
      const all = [...(parameters as Parameter[]), ...(operation.parameters ?? [])].map(each => resolved(each))
      const responses = Object.entries(operation.responses).map(([status, response]) => [status, resolved(response)])
      const body = operation.requestBody === undefined ? {} : { requestBody: resolved(operation.requestBody) }
      return { ...operation, ...body, path, method: method.toUpperCase(), parameters: all, responses: Object.fromEntries(responses) }
    }),
  )

  /** Every operation. Never empty. */
  const operations = cases(found)

  function operation(id: string): Operation {
    const one = operations.find(each => each.operationId === id)
    if (one === undefined) throw new Error(`the spec has no operation ${id}`)
    return one
  }

  /** The first example of the request body, if there is one. */
  function exampleBody({ requestBody }: Operation): unknown {
    const [example] = Object.values(requestBody?.content['application/json']?.examples ?? {})
    return example && resolved(example).value
  }

  /** A request with the first example, of whatever media type; without a body where the operation takes none. */
  function exampleContent({ requestBody }: { requestBody?: Operation['requestBody'] | undefined }): {
    headers?: { 'content-type': string }
    body?: string
  } {
    const [[type, media] = ['', undefined]] = Object.entries(requestBody?.content ?? {})
    if (media === undefined) return {}
    const [example] = Object.values(media.examples ?? {})
    const value = example && resolved(example).value
    return { headers: { 'content-type': type }, body: typeof value === 'string' ? value : JSON.stringify(value) }
  }

  const ajv = new Ajv2020({ allErrors: true, strict: false })
  addFormats.default(ajv)
  ajv.addFormat('time-zone', () => true)
  ajv.addFormat('sort-key', isFractionalIndex)
  ajv.addFormat('text', text => !/\p{Cs}/u.test(text))
  ajv.addFormat('visible-text', text => text === '' || (!/\p{Cs}/u.test(text) && text.replaceAll(invisible, '') !== ''))
  ajv.addSchema(closed(document), 'spec')
  const compiled = new Map<Schema, ValidateFunction>()

  /** The errors of the value under the schema. Empty if the value is valid. */
  function faults(schema: Schema, value: unknown): string[] {
    let validate = compiled.get(schema)
    if (validate === undefined) {
      // References start at the root of the document.
      const text = JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"spec#/')
      validate = ajv.compile(closed(JSON.parse(text)))
      compiled.set(schema, validate)
    }
    return validate(value)
      ? []
      : (validate.errors ?? []).map(error => `${error.instancePath || 'it'} ${error.message} ${JSON.stringify(error.params)}`)
  }

  /** How a reply breaks the spec, as sentences. */
  function violations({ operationId, responses }: Replying, { status, headers, body }: Answer): string[] {
    const response = responses[status]
    if (response === undefined) return [`${operationId} answered ${status}, which the spec does not declare`]
    const wrong: string[] = []

    const declared = new Map(Object.entries(response.headers ?? {}).map(([name, header]) => [name.toLowerCase(), resolved(header)]))
    for (const [name, header] of declared) {
      const value = headers.get(name)
      if (value === null) {
        if (header.required === true) wrong.push(`header ${name} is missing`)
      } else wrong.push(...faults(header.schema, value).map(fault => `header ${name}: ${fault}`))
    }
    for (const name of headers.keys()) if (!undeclaredHeaders.has(name) && !declared.has(name)) wrong.push(`header ${name} is not declared`)

    const type = headers.get('content-type')?.split(';')[0]
    if (response.content === undefined) {
      if (body !== undefined || type !== undefined) wrong.push('there is a body, and none is declared')
    } else {
      const media = response.content[type ?? '']
      if (media === undefined) wrong.push(`content type ${type} is not declared`)
      else wrong.push(...faults(media.schema, body).map(fault => `body: ${fault}`))
    }
    return wrong.map(each => `${operationId} ${status}: ${each}`)
  }

  /** The replies that any request can get, before its operation is known. */
  const early: Replying & { types: string[] } = { operationId: anyRequest, responses: {}, types: [] }
  for (const response of Object.values(document.components.responses ?? {}).filter(each => each['x-any-request']))
    for (const { value } of problemExamples(response)) {
      early.responses[value.status] = response
      early.types.push(value.type)
    }

  return { document, resolved, operations, operation, exampleBody, exampleContent, faults, violations, early }
}

/** The rule of the library, in other words: the first letter says how many digits the number has, and what follows does not end in 0. */
function isFractionalIndex(text: string): boolean {
  const head = text.charCodeAt(0)
  const digits = head >= 97 ? head - 96 : 91 - head // a and Z: 1, z and A: 26
  const rest = text.slice(1 + digits)
  return text === '' || (text.length > digits && !rest.endsWith('0') && text !== `A${'0'.repeat(26)}`)
}

export function problemExamples({ content }: Response): { value: { type: string; status: number } }[] {
  return Object.values(content?.['application/problem+json']?.examples ?? {}) as { value: { type: string; status: number } }[]
}

/**
 * The schemas of objects, without properties that they do not declare. The spec leaves the schemas of replies open, because a later release
 * may add properties; this release must reply with the declared ones only.
 */
function closed<Value>(schemas: Value): Value {
  return JSON.parse(JSON.stringify(schemas), (name, value) => {
    const isCondition = name === 'contains' // it describes a part of an object
    const isOpen = value?.type === 'object' && !isCondition && value.properties !== undefined && value.additionalProperties === undefined
    return isOpen ? { ...value, additionalProperties: false } : value
  })
}
