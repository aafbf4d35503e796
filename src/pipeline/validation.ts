// The operations of a document with their validators. openapi-backend resolves the references at start. It compiles the validators of an
// operation at the first request, which takes it some 10 ms: for all operations that was a third of a start.
import { Ajv2020, type Options as AjvOptions, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { OpenAPIBackend, OpenAPIValidator } from 'openapi-backend'
import type { Document } from '../contract/document.ts'
import { textFormats } from '../contract/formats.ts'
import type { FieldError } from '../contract/problem.ts'
import type { BodySchema } from './body.ts'
import type { Deprecatable } from './deprecation.ts'

/** An operation as the document declares it, with its references resolved. */
export type Declaration = Omit<Deprecatable, 'parameters'> & {
  operationId: string
  path: string
  method: string
  parameters: Parameter[]
  security: Record<string, unknown>[]
  requestBody?: { required?: boolean; content: Record<string, { schema?: BodySchema }>; 'x-max-bytes'?: number }
  responses: Record<string, { headers?: Record<string, object> }>
  'x-never-shed'?: boolean
  'x-rate-limit'?: 'address'
  'x-rate-limit-count'?: string
  'x-idempotent'?: boolean
}
type Parameter = NonNullable<Deprecatable['parameters']>[number] & { schema?: { type?: string }; 'x-secret'?: boolean }
/** The parts of a request that a schema judges. */
export type Parts = { path: object; query: object; header: object }
/** Reports every error of a request, and fills in defaults. `body` is undefined where there is no JSON to judge. */
export type Validate = (parts: Parts, body: { requestBody: unknown } | undefined) => FieldError[]
export type DeclaredOperation = { declaration: Declaration; validate: Validate }

export async function readOperations(document: Document): Promise<DeclaredOperation[]> {
  const api = new OpenAPIBackend({ definition: structuredClone(document) as never, strict: true, validate: false })
  // openapi-backend checks documents against OpenAPI 3.0 only; a linter for 3.1 checks ours in the tests.
  api.validateDefinition = () => api.document
  await api.init()

  const ajv = createAjv()
  const validators = new OpenAPIValidator({
    definition: api.definition,
    router: api.router,
    lazyCompileValidators: true,
    customizeAjv: () => ajv,
  })
  return (api.router.getOperations() as unknown as Declaration[]).map(declaration => {
    const { operationId, method, path } = declaration
    if (operationId === undefined) throw new Error(`${method} ${path} has no operationId`)
    const hasJson = declaration.requestBody?.content['application/json'] !== undefined
    return { declaration, validate: createValidate(() => validators.getRequestValidatorsForOperation(operationId) ?? [], hasJson) }
  })
}

function createValidate(compile: () => ValidateFunction[], hasJson: boolean): Validate {
  let compiled: ValidateFunction[] | undefined
  return (parts, body) => {
    compiled ??= compile()
    const checkParts = compiled.at(-1) as ValidateFunction
    const checkBody = hasJson ? compiled[0] : undefined
    const errors = fieldErrors(checkParts, parts)
    return body === undefined || checkBody === undefined ? errors : [...errors, ...fieldErrors(checkBody, body)]
  }
}

function createAjv(): Ajv2020 {
  const options: AjvOptions = { allErrors: true, strict: false, verbose: true, useDefaults: true }
  const ajv = new Ajv2020({ ...options, validateSchema: false }) // the linter has checked the schemas; it would cost half a start
  addFormats.default(ajv)
  for (const [name, { accepts }] of Object.entries(textFormats)) ajv.addFormat(name, accepts)
  return ajv
}

const maxErrors = 100 // reported of each part

function fieldErrors(check: ValidateFunction, value: unknown): FieldError[] {
  if (check(value)) return []
  // `if` only says that `then` failed, which reports its own error.
  const errors = (check.errors ?? []).filter(error => error.keyword !== 'if').slice(0, maxErrors)
  // A blank text breaks both the pattern and the format.
  const patterns = new Set(errors.filter(({ keyword }) => keyword === 'pattern').map(({ instancePath }) => instancePath))
  return errors.filter(error => textFormat(error) === undefined || !patterns.has(error.instancePath)).map(fieldError)
}

const textFormat = ({ keyword, params }: ErrorObject) => (keyword === 'format' ? textFormats[params.format] : undefined)

const locations = { path: 'path', query: 'query', header: 'header', requestBody: 'body' } as const

function fieldError(error: ErrorObject): FieldError {
  const missing = error.keyword === 'required' ? `/${error.params.missingProperty}` : ''
  const unknown = error.keyword === 'additionalProperties' ? `/${escaped(error.params.additionalProperty)}` : ''
  const [, part, pointer] = /^\/([^/]+)(.*)$/s.exec(error.instancePath + missing + unknown) as unknown as [
    string,
    keyof typeof locations,
    string,
  ]
  return {
    pointer,
    location: locations[part],
    code: (error.keyword === 'additionalProperties' ? 'unknown' : error.keyword) as FieldError['code'],
    message: messageOf(error),
  }
}

function messageOf(error: ErrorObject): string {
  const { keyword, message, params, parentSchema } = error
  if (keyword === 'required') return 'is missing'
  if (keyword === 'additionalProperties') return 'is not known here'
  if (keyword === 'enum') return `must be one of ${params.allowedValues.join(', ')}`
  if (keyword === 'pattern' && parentSchema?.['x-pattern'] !== undefined) return parentSchema['x-pattern']
  return textFormat(error)?.message ?? message ?? keyword
}

const escaped = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1')
