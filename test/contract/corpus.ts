// Requests generated from the spec: for every operation, parameter and field, values just within the limits, just beyond them, and of
// other types. The schema decides which requests are valid, with a validator apart from that of the server.
import {
  exampleBody,
  exampleContent,
  faults,
  type Media,
  type Operation,
  operations,
  type Parameter,
  resolved,
  type Schema,
} from '../support/spec.ts'

export type Sample = {
  name: string
  operation: Operation | undefined
  method: string
  path: string
  headers: Record<string, string>
  body?: string | Uint8Array<ArrayBuffer>
  /** whether the schema accepts it; undefined if something else decides */
  valid?: boolean
}

const json = { 'content-type': 'application/json' }
const authorized = { authorization: 'Bearer TOKEN' }

export function corpus(): Sample[] {
  return [...operations.flatMap(samples), ...unknownRoutes()]
}

function samples(operation: Operation): Sample[] {
  const base = request(operation, {})
  return [
    { ...base, name: `${operation.operationId}: plain`, valid: true },
    ...operation.parameters.flatMap(parameter => parameterSamples(operation, parameter)),
    ...(operation.requestBody === undefined ? [] : bodySamples(operation)),
    { ...request(operation, { query: [['unknown', '1']] }), name: `${operation.operationId}: unknown parameter`, valid: false },
    ...(operation.path.includes('{userId}')
      ? [
          { ...base, headers: without(base.headers, 'authorization'), name: `${operation.operationId}: no token` },
          { ...base, headers: { ...base.headers, authorization: 'Basic YTpi' }, name: `${operation.operationId}: not a bearer token` },
          { ...request(operation, { path: { userId: 'another-user' } }), name: `${operation.operationId}: another user` },
        ]
      : []),
  ]
}

function parameterSamples(operation: Operation, parameter: Parameter): Sample[] {
  if (parameter.name === 'userId') return []
  const schema = resolved(parameter.schema)
  const items = schema.items === undefined ? schema : resolved(schema.items)
  const texts = [
    ...new Set(
      [parameter.example ?? [], ...candidates(items), ...(items.type === 'integer' ? spellings : [])]
        .flat()
        .filter(isText)
        .map(each => String(each).toWellFormed()),
    ),
  ]
  const lists =
    schema.items === undefined
      ? texts.map(text => [text])
      : [...texts.map(text => [text]), [texts[0], texts[0]], Array((schema.maxItems as number) + 1).fill(texts[0])]
  return lists
    .map(list => list as string[])
    .filter(text => isSendable(parameter, text))
    .map(text => {
      const part =
        parameter.in === 'query'
          ? { query: text.map(each => [parameter.name, each] as [string, string]) }
          : parameter.in === 'header'
            ? { headers: { [parameter.name.toLowerCase()]: text[0] as string } }
            : { path: { [parameter.name]: text[0] as string } }
      const value = schema.items === undefined ? coerce(schema, text[0] as string) : text.map(each => coerce(items, each))
      return {
        ...request(operation, part),
        name: `${operation.operationId}: ${parameter.in} ${parameter.name}=${brief(text)}`,
        valid: faults(schema, value).length === 0,
      }
    })
}

// A URL has no lone surrogates, an empty path segment is another path, and a header value is visible ASCII.
function isSendable(parameter: Parameter, list: string[]) {
  if (parameter.in === 'path') return list[0] !== '' && !/[/\0]/.test(list[0] as string)
  if (parameter.in === 'header') return /^[\x21-\x7e]+$/.test(list[0] as string) && (list[0] as string).length < 2000
  return (list[0] as string).length <= 5000
}

function bodySamples(operation: Operation): Sample[] {
  const media = operation.requestBody?.content['application/json'] as Required<Media> | undefined
  if (media === undefined) return fileSamples(operation)
  const schema = resolved(media.schema)
  const example = exampleBody(operation) as object
  const named = Object.entries(media.examples).map(([name, each]) => [`example ${name}`, resolved(each).value] as [string, unknown])
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    candidates(resolved(property)).map(value => [`field ${name}=${brief(value)}`, { ...example, [name]: value }] as [string, unknown]),
  )
  const missing = (schema.required ?? []).map(
    name => [`without ${name}`, without(example as Record<string, unknown>, name)] as [string, unknown],
  )
  const shapes = [null, [], 'text', 5, {}, { ...example, unknown: 1 }].map(value => [`body ${brief(value)}`, value] as [string, unknown])
  const bodies = [...named, ...fields, ...missing, ...shapes].map(([name, body]) => ({
    ...request(operation, {}),
    name: `${operation.operationId}: ${name}`,
    body: JSON.stringify(body),
    valid: faults(schema, body).length === 0,
  }))
  const base = request(operation, {})
  return [
    ...bodies,
    { ...base, headers: { ...base.headers, 'content-type': 'text/plain' }, name: `${operation.operationId}: text/plain` },
    {
      ...base,
      headers: { ...base.headers, 'content-type': 'application/xml' },
      body: '<a/>',
      name: `${operation.operationId}: application/xml`,
    },
    { ...base, body: '{"title":', name: `${operation.operationId}: broken JSON` },
    { ...without({ ...base }, 'body'), name: `${operation.operationId}: no body`, valid: false } as Sample,
  ]
}

/** Of an operation that takes files: their contents are no matter of the schema. */
function fileSamples(operation: Operation): Sample[] {
  const base = request(operation, {})
  const files = Object.entries(operation.requestBody?.content ?? {}).flatMap(([type, { examples = {} }]) =>
    Object.entries(examples).map(([name, each]) => ({ type, name, body: resolved(each).value as string })),
  )
  return [
    ...files.map(({ type, name, body }) => ({
      ...base,
      ...{ headers: { ...base.headers, 'content-type': type }, body },
      ...{ name: `${operation.operationId}: example ${name}`, valid: true },
    })),
    { ...base, headers: { ...base.headers, 'content-type': 'text/plain' }, name: `${operation.operationId}: text/plain` },
    { ...base, headers: { ...base.headers, ...json }, body: '{}', name: `${operation.operationId}: JSON` },
  ]
}

function unknownRoutes(): Sample[] {
  const unknown = ['/', '/v1', '/v1/users/me/nothing', '/v2/users/me', '/v1/users/me/tasks/019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12/more']
  const paths = operations.map(({ path }) => path).filter((path, i, all) => all.indexOf(path) === i)
  return [
    ...unknown.map(path => ({ name: `unknown path: ${path}`, operation: undefined, method: 'GET', path, headers: authorized })),
    ...paths.map(path => ({
      name: `undeclared method: ${path}`,
      operation: undefined,
      method: path.endsWith('s') && path.includes('{userId}') ? 'DELETE' : 'POST',
      path: withValues(path, {}),
      headers: authorized,
    })),
  ]
}

/** Requests that differ in what HTTP itself says of them. */
export function transport(): Sample[] {
  const tasks = '/v1/users/me/tasks'
  const create = { operation: undefined, method: 'POST', path: tasks, headers: { ...authorized, ...json }, body: '{"title":"a"}' }
  const list = { ...create, method: 'GET', headers: authorized, body: undefined as unknown as string }
  const named: Record<string, Partial<Sample>> = {
    'HEAD of a list': { ...list, method: 'HEAD' },
    'HEAD of a task': { ...list, method: 'HEAD', path: `${tasks}/${ids.taskId}` },
    'OPTIONS without an origin': { ...list, method: 'OPTIONS' },
    'a method of another protocol': { ...list, method: 'REPORT' },
    'an unknown method': { ...list, method: 'BREW' },
    'a slash at the end': { ...list, path: `${tasks}/` },
    'two slashes': { ...list, path: '//v1/users/me/tasks' },
    'a path in upper case': { ...list, path: '/V1/users/me/tasks' },
    'an encoded letter': { ...list, path: '/v1/users/me/%74asks' },
    'a path that is no UTF-8': { ...list, path: '/v1/users/me/%ff' },
    'a query that is no UTF-8': { ...list, path: `${tasks}?q=%ff` },
    'a parameter twice': { ...list, path: `${tasks}?limit=1&limit=2` },
    'Accept of another type': { ...list, headers: { ...authorized, accept: 'application/xml' } },
    'Accept of problems only': { ...list, headers: { ...authorized, accept: 'application/problem+json' } },
    'If-Match of another version for GET': { ...list, headers: { ...authorized, 'if-match': '"1"' } },
    'If-None-Match: * for PATCH': {
      ...create,
      method: 'PATCH',
      path: `${tasks}/${ids.taskId}`,
      headers: { ...create.headers, 'if-none-match': '*' },
    },
    'Content-Range for PUT': {
      ...create,
      method: 'PUT',
      path: `${tasks}/${ids.taskId}`,
      headers: { ...create.headers, 'content-range': 'bytes 0-9/10' },
    },
    'the scheme in lower case': { ...list, headers: { authorization: 'bearer TOKEN' } },
    'a token that is no JWT': { ...list, headers: { authorization: 'Bearer x' } },
    'no token, and a body that breaks the schema': { ...create, headers: json, body: '{}' },
    'no token, and another method': { ...list, method: 'DELETE', headers: {} },
    'a user id with a dot': { ...list, path: '/v1/users/%2E/tasks' },
    'a body with a charset': { ...create, headers: { ...authorized, 'content-type': 'application/json; charset=utf-8' } },
    'a body in Latin-1': { ...create, headers: { ...authorized, 'content-type': 'application/json; charset=latin1' } },
    'a media type with +json': { ...create, headers: { ...authorized, 'content-type': 'application/vnd.api+json' } },
    'a compressed body': { ...create, headers: { ...create.headers, 'content-encoding': 'gzip' } },
    'a body above 1 MiB': { ...create, body: JSON.stringify({ title: 'x'.repeat(2 ** 20) }) },
    'a body that is no UTF-8': { ...create, body: Buffer.from('{"title":"\xff"}', 'latin1') },
    'a body without a media type': { ...create, headers: { ...authorized, 'content-type': '' } },
    'a body for DELETE': { ...create, method: 'DELETE', path: `${tasks}/${ids.taskId}`, body: '{}' },
    'headers above 16 KiB': { ...list, headers: { ...authorized, 'x-long': 'x'.repeat(20_000) } },
    'a document again': { ...list, path: '/openapi.json', headers: { 'if-none-match': '*' } },
    'a duplicate name': { ...create, path: '/v1/users/me/categories', body: '{"name":"Existing"}' },
    'an unknown category': { ...create, body: `{"title":"a","categoryId":"${ids.taskId}"}` },
    'a rule that is refused': { ...create, body: '{"title":"a","recurrence":{"rule":"FREQ=HOURLY"}}' },
    'a rule in small letters': { ...create, body: '{"title":"a","recurrence":{"rule":"freq=daily"}}' },
    'a webhook without TLS': { ...create, path: '/v1/users/me/webhooks', body: '{"url":"http://example.com/hook"}' },
    'a time without a date': { ...create, body: '{"title":"a","dueTime":"10:00"}' },
  }
  return Object.entries(named).map(([name, sample]) => ({ name: `HTTP: ${name}`, ...create, ...sample }))
}

const ids: Record<string, string> = {
  userId: 'me',
  taskId: '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12',
  categoryId: '019c5a20-6a00-7c11-8a4e-6f0a4e1d2c01',
  calendarId: '019c5a21-5e6f-7b12-9c34-8d5e6f7a0c08',
  webhookId: '019c5a21-7a8b-7d34-8e56-9f7a8b9c0d0a',
  feedToken: 'YWxpY2U.c2FtcGxlLXNlY3JldC1vZi0yNTYtcmFuZG9tLWJpdHM',
  label: 'travel',
  itemId: '019c5a20-ee00-7f55-8a61-5e7a9cbd3f05',
  asset: 'swagger-ui.css',
}

function withValues(path: string, values: Record<string, string>) {
  return path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent({ ...ids, ...values }[name] as string))
}

type Parts = { path?: Record<string, string>; query?: [string, string][]; headers?: Record<string, string> }

function request(operation: Operation, { path = {}, query = [], headers = {} }: Parts): Omit<Sample, 'name'> {
  const search = query.length === 0 ? '' : `?${new URLSearchParams(query)}`
  const { headers: type, ...body } = exampleContent(operation)
  return {
    operation,
    method: operation.method,
    path: withValues(operation.path, path) + search,
    headers: { ...(operation.path.includes('{userId}') && authorized), ...type, ...headers },
    ...body,
  }
}

/** Values on both sides of every limit of a schema, and of other types. */
function candidates(schema: Schema): unknown[] {
  const { minLength = 1, maxLength, minimum, maximum, maxItems } = schema as Record<string, number | undefined>
  const { enum: values, items, format } = schema as { enum?: unknown[]; items?: Schema; format?: string }
  const types = [schema.type].flat()
  const others = [null, true, 5, 'text', {}, []]
  if (values !== undefined) return [...values, 'other', '', ...others]
  if (types.includes('boolean')) return [true, false, ...others]
  if (types.includes('integer'))
    return [minimum, maximum, (minimum as number) - 1, (maximum as number) + 1, 1.5, 1e21, ...others].filter(each => each !== undefined)
  if (schema.properties !== undefined) {
    const all = Object.entries(schema.properties).map(
      ([name, property]) => candidates(resolved(property)).map(value => ({ [name]: value })) as object[],
    )
    const both = Object.assign({}, ...all.map(([first]) => first))
    return [...all.flat(), both, { ...all[0]?.[0], unknown: 1 }, ...others]
  }
  if (items !== undefined) {
    const inner = candidates(resolved(items))
    const many = Array.from({ length: (maxItems as number) + 1 }, (_, i) => `${i}`)
    return [[], ['a'], ['a', 'b'], ['a', 'a'], many, many.slice(1), ...inner.map(each => [each]), ...others]
  }
  if (format === 'uuid')
    return [
      ids.categoryId,
      ids.categoryId?.toUpperCase(),
      '019c5a20',
      `urn:uuid:${ids.categoryId}`,
      'g19c5a20-6a00-7c11-8a4e-6f0a4e1d2c01',
      ...others,
    ]
  if (format === 'date')
    return [
      '2027-03-01',
      '2028-02-29',
      '2027-02-29',
      '2027-13-01',
      '27-3-1',
      '2027-03-01T00:00:00Z',
      '0001-01-01',
      '9999-12-31',
      '0000-01-01',
      ...others,
    ]
  if (format === 'date-time')
    return [
      '2027-03-01T16:30:00Z',
      '0001-01-01T00:00:00.123456Z',
      '9999-12-31T23:59:59.9Z',
      '2027-03-01T16:30:00.1234567Z',
      '2027-03-01T16:30:00+02:00',
      '2027-03-01T16:30Z',
      '2027-03-01 16:30:00Z',
      '2027-03-01T16:30:00z',
      '2027-02-29T16:30:00Z',
      '2027-03-01T24:00:00Z',
      '2016-12-31T23:59:60Z',
      '0000-01-01T00:00:00Z',
      '2027-03-01',
      ...others,
    ]
  if (format === 'sort-key')
    return [
      'a0',
      'm0006288c3b4d5e',
      'Zz8V',
      `a0${'z'.repeat(198)}`,
      `a0${'z'.repeat(199)}`,
      'a00',
      'b0',
      `A${'0'.repeat(26)}`,
      '',
      'a',
      'a-',
      'aé',
      ...others,
    ]
  if (format === 'time-zone')
    return ['UTC', 'Europe/Kiev', 'America/Argentina/Buenos_Aires', '', '+01:00', 'BST', 'europe/kiev', 'a'.repeat(65), ...others]
  const long = maxLength === undefined ? [] : ['x'.repeat(maxLength), '😀'.repeat(maxLength), 'x'.repeat(maxLength + 1)]
  const special = ['00:00', '23:59', '24:00', '9:00', '#1971c2', '#1971C2', '#1971c', 'red', '"42"', '*', 'swagger-ui.css']
  return ['', 'x'.repeat(minLength), ' ', 'ü 😀 \u202e', 'a\0b', ...unknownToTools, ...long, ...special, ...others]
}

/** Texts that only the formats of the spec refuse: a lone surrogate, and nothing that is visible. */
export const unknownToTools = ['a\ud800b', '\u00a0\u200b']

/** Numbers in forms that JSON does not have. */
export const spellings = ['0x10', '0b1', '1e1', '1.0', '+5', '05', ' 5', '5 ']

const isText = (value: unknown) => typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

/** The value of a parameter's text. */
function coerce(schema: Schema, text: string): unknown {
  if (schema.type === 'integer') return /^-?(0|[1-9]\d*)$/.test(text) ? Number(text) : text
  if (schema.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  return text
}

function without<T extends Record<string, unknown>>({ ...all }: T, name: string): T {
  delete all[name]
  return all
}

function brief(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length <= 60 ? text : `${text.slice(0, 40)}… (${text.length})`
}
