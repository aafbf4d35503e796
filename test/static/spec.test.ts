// Rules for the spec that its linter does not check.
import { describe, expect, test } from 'vitest'
import { keyReused } from '../../src/contract/idempotency-key.ts'
import { Problem } from '../../src/contract/problem.ts'
import { Shed } from '../../src/http/shedding.ts'
import { document, early, faults, type Media, operations, problemExamples, resolved, type Schema } from '../support/spec.ts'

const schemas = Object.entries(document.components.schemas)

describe.each(operations.map(operation => [operation.operationId, operation] as const))('%s', (_, operation) => {
  const bodies = Object.entries(operation.requestBody?.content ?? {})
  const replies = Object.entries(operation.responses)

  test('has a summary, a description and one tag', () => {
    expect(operation.summary).toMatch(/\S/)
    expect(operation.description).toMatch(/\S/)
    expect(operation.tags).toHaveLength(1)
    expect(document.tags.map(({ name }) => name)).toContain(operation.tags?.[0])
  })

  test('requires a token if and only if its path has {userId}', () => {
    const security = operation.security ?? document.security
    expect(security).toEqual(operation.path.includes('{userId}') ? [{ bearerAuth: [] }] : [])
  })

  test('has a closed schema for a JSON body, and a size limit for any other body', () => {
    const maxBytes = operation.requestBody?.['x-max-bytes']
    for (const [type, media] of bodies) {
      if (!/[/+]json$/.test(type)) expect(maxBytes, type).toBeGreaterThan(0)
      else expect(resolved(media.schema).additionalProperties).toBe(false)
    }
  })

  test('has no defaults if it is a patch, because an absent field stays as it is', () => {
    if (operation.method !== 'PATCH') return
    for (const [, { schema }] of bodies)
      for (const [name, property] of Object.entries(resolved(schema).properties ?? {}))
        expect({ ...resolved(property), ...property }, name).not.toHaveProperty('default')
  })

  test('has a default for limit and sort', () => {
    for (const { name, schema } of operation.parameters)
      if (name === 'limit' || name === 'sort') expect(resolved(schema)).toHaveProperty('default')
  })

  test('takes an Idempotency-Key if and only if it is a POST, and its replies tell about it', () => {
    const isPost = operation.method === 'POST'
    expect(operation.parameters.some(({ name }) => name === 'Idempotency-Key')).toBe(isPost)
    if (!isPost) return
    for (const [status, { headers }] of replies) if (status.startsWith('2')) expect(headers, status).toHaveProperty('Idempotency-Replayed')
    // A creation needs no stored reply, and what may be repeated no transaction. So neither is ever in flight.
    if (operation.responses['201'] === undefined && operation['x-idempotent'] !== true)
      expect(operation.responses['409']?.headers).toHaveProperty('Retry-After')
  })

  test('has a problem for every error, and a request id on every reply', () => {
    for (const [status, { headers, content }] of replies) {
      expect(headers, status).toHaveProperty('X-Api-Version')
      expect(headers, status).toHaveProperty('X-Request-Id')
      if (Number(status) >= 400) expect(content).toEqual({ 'application/problem+json': expect.anything() })
      if (status === '503') expect(headers).toHaveProperty('Retry-After')
      if (status === '401') expect(headers).toHaveProperty('WWW-Authenticate')
      if (status === '201') expect(headers).toHaveProperty('Location')
    }
    const has = (status: number) => operation.responses[status] !== undefined
    const owned = operation.path.includes('{userId}')
    expect([401, 403, 500, 503].filter(has)).toEqual(owned ? [401, 403, 500, 503] : [401, 403, 500, 503].filter(has))
    expect([413, 415].filter(has)).toEqual(operation.requestBody === undefined ? [] : [413, 415])
    expect(has(422)).toBe(true)
    expect(has(412)).toBe(operation.parameters.some(({ name }) => name === 'If-Match'))
  })

  test('declares the replies that any request can get', () => {
    const types = Object.values(operation.responses)
      .flatMap(problemExamples)
      .map(({ value }) => value.type)
    for (const type of early.types) expect(types).toContain(type)
    // JSON can be malformed too, and each operation that takes it is tested for that.
    const takesJson = operation.requestBody?.content['application/json'] !== undefined
    const shared = Object.values(early.responses).filter(each => !takesJson || each !== early.responses[400])
    expect(Object.values(operation.responses).filter(each => each['x-any-request'])).toEqual(shared)
  })

  test('has named and valid examples', () => {
    const all: [string, Media][] = [
      ...bodies,
      ...replies.flatMap(([status, { content = {} }]) => Object.values(content).map(each => [status, each] as [string, Media])),
    ]
    for (const [where, { schema, examples = {} }] of all) {
      expect(Object.keys(examples), where).not.toEqual([])
      for (const [name, example] of Object.entries(examples))
        expect(faults(schema, resolved(example).value), `${where} ${name}`).toEqual([])
    }
    for (const { name, schema, example } of operation.parameters)
      if (example !== undefined) expect(faults(schema, example), name).toEqual([])
  })

  test('has example problems with the status of the reply', () => {
    for (const [status, { content = {} }] of replies)
      for (const example of Object.values(content['application/problem+json']?.examples ?? {}))
        expect(resolved(example).value).toMatchObject({ status: Number(status) })
  })
})

test('operation ids are unique and name verb and noun', () => {
  const ids = operations.map(({ operationId }) => operationId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids)
    expect(id).toMatch(
      /^(list|create|get|put|update|rename|move|delete|skip|restore|purge|empty|export|import|run|rotate|test|replay|stream)[A-Z]/,
    )
})

/** The schema and every schema in it, with their paths. */
function* within(schema: Schema, at: string): Generator<[string, Schema]> {
  yield [at, schema]
  for (const [name, property] of Object.entries(schema.properties ?? {})) yield* within(property, `${at}/${name}`)
  if (schema.items !== undefined) yield* within(schema.items, `${at}/items`)
}

test('every deprecated part has the dates of deprecation and sunset', () => {
  const deprecated: Record<string, unknown>[] = []
  JSON.stringify(document, (_, value) => {
    if (value?.deprecated === true) deprecated.push(value)
    return value
  })
  const day = expect.stringMatching(/^\d{4}-\d\d-\d\d$/)
  for (const each of deprecated) expect(each).toMatchObject({ 'x-deprecated-at': day, 'x-sunset-at': day })
})

describe('schemas', () => {
  const requestSchemas = new Set(
    operations.flatMap(({ requestBody }) => Object.values(requestBody?.content ?? {}).map(({ schema }) => schema.$ref)),
  )
  const isRequest = (name: string) => requestSchemas.has(`#/components/schemas/${name}`)

  test('reply schemas are open, since replies may gain properties, and require every property', () => {
    for (const [name, schema] of schemas) {
      if (schema.type !== 'object' || isRequest(name) || name === 'OpenapiDocument') continue
      expect(schema.additionalProperties, name).toBeUndefined()
      expect(schema.required, name).toEqual(Object.keys(schema.properties ?? {}))
    }
  })

  test('the judge of replies refuses a property that is not declared', () => {
    const health = schemas.find(([name]) => name === 'Health')?.[1] as Schema
    expect(faults(health, { status: 'alive' })).toEqual([])
    expect(faults(health, { status: 'alive', extra: true })).not.toEqual([])
    expect(faults({ $ref: '#/components/schemas/Health' }, { status: 'alive', extra: true })).not.toEqual([])
  })

  test('texts of requests have a maximum length and exclude characters that PostgreSQL cannot store', () => {
    const parameters = operations.flatMap(({ operationId, parameters }) =>
      parameters.filter(each => each.in === 'query').map(each => [`${operationId} ${each.name}`, each.schema] as [string, Schema]),
    )
    const bodies = schemas.filter(([name]) => isRequest(name)).map(([name, schema]) => [name, schema] as [string, Schema])
    for (const [name, root] of [...parameters, ...bodies])
      for (const [at, reference] of within(root, name)) {
        if (reference['x-read-only'] === true) continue // not stored
        const schema = { ...resolved(reference) }
        for (const [place, inner] of schema.items === undefined ? [[at, schema] as const] : within(schema, at))
          check(place, resolved(inner))
      }

    function check(at: string, schema: Schema) {
      if (![schema.type].flat().includes('string') || schema.enum !== undefined || schema.format === 'uuid' || schema.format === 'date')
        return
      for (const bad of ['a\0b', 'a\ud800b', 'a\udc00']) expect(faults(schema, bad), `${at} accepts ${JSON.stringify(bad)}`).not.toEqual([])
      expect(schema.pattern, at).toBeDefined()
      if (!/^\^.*\$$/.test(schema.pattern as string) || /[*+]/.test(schema.pattern as string))
        expect(schema, at).toHaveProperty('maxLength')
    }
  })
})

test('the example of X-Api-Version is the version of the document', () => {
  expect(document.components.headers['X-Api-Version']?.example).toBe(document.info.version)
})

test('the examples of problems with a fixed detail have the detail of the code', () => {
  const examples = Object.values(document.components.responses).flatMap(({ content = {} }) =>
    Object.entries(content['application/problem+json']?.examples ?? {}).map(([name, { value }]) => [name, value] as const),
  )
  const fixed = {
    malformedJson: new Problem('malformed-json'),
    missing: new Problem('unauthenticated'),
    notYours: new Problem('forbidden'),
    notFound: new Problem('not-found'),
    internal: new Problem('internal'),
    malformedRequest: new Problem('malformed-request'),
    methodNotAllowed: new Problem('method-not-allowed'),
    requestTimeout: new Problem('request-timeout'),
    headersTooLarge: new Problem('headers-too-large'),
    notImplemented: new Problem('not-implemented'),
    overload: new Shed('queue'),
    inFlight: new Problem('in-flight'),
    keyReused: keyReused(),
  }
  for (const [name, problem] of Object.entries(fixed)) {
    const details = examples.filter(([other]) => other === name).map(([, value]) => (value as { detail: string }).detail)
    expect(new Set(details), name).toEqual(new Set([problem.message]))
  }
})

test('every request can get a problem of each kind that HTTP itself needs', () => {
  const kinds = ['malformed-request', 'method-not-allowed', 'request-timeout', 'headers-too-large', 'not-implemented']
  expect(early.types).toEqual(kinds.map(kind => `/problems/${kind}`))
  expect(Object.keys(early.responses)).toEqual(['400', '405', '408', '431', '501'])
})
