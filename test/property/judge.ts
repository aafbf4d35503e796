// The reply that a request must get. Reads the request as it went over the wire, independently of the server and of the generator.
import { isTimeZone } from '../../src/contract/time-zone.ts' // held to the names of PostgreSQL by its own test
import { checkRule } from '../../src/domain/recurrence.ts' // held to examples by its own tests
import { urlFault } from '../../src/domain/webhook-url.ts' // held to examples by its own test
import { faults, type Operation, type Parameter, resolved, type Schema } from '../support/spec.ts'
import type { Sample } from './arbitraries.ts'
import { folded } from './text.ts'
import { owned, ownedAs } from './values.ts'

export type Verdict = {
  /** The statuses that will do; 2xx stands for every success. */
  statuses: (number | '2xx')[]
  /** For 422: the parts of the request that break the schema. Empty where the schema is kept. */
  locations: string[]
  /** the parsed body */
  body?: unknown
}
type Where = { location: string; faults: string[] }

const refused = (status: number): Verdict => ({ statuses: [status], locations: [] })

export function judged(operation: Operation, { target, headers, body }: Sample): Verdict {
  const [path = '', ...rest] = target.split('?')
  if (!isUtf8(rest.join('?'))) return refused(400)
  const values = pathValues(operation.path, path)
  if (!['me', '{userId}'].includes(values.userId as string)) return refused(403)

  const fields = headersOf(headers)
  let json: unknown
  if (operation.requestBody !== undefined && body !== undefined && body.length > 0) {
    if (!isAccepted(fields, operation)) return refused(415)
    if (body.length > (operation.requestBody['x-max-bytes'] ?? 2 ** 20)) return refused(413)
    try {
      // A byte order mark may be ignored (RFC 8259, section 8.1), and is.
      json = takesJson(operation) ? JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) : {}
    } catch {
      return refused(400)
    }
  }

  const query = new URLSearchParams(rest.join('?'))
  const wrong = [
    ...operation.parameters.filter(each => each.in === 'path').map(each => ofText(each, [values[each.name] as string])),
    ...operation.parameters.filter(each => each.in === 'query' && query.has(each.name)).map(each => ofText(each, query.getAll(each.name))),
    ...operation.parameters.flatMap(each => (each.in === 'header' ? ofHeader(each, fields) : [])),
    ...[...query.keys()].map(name => ({ location: 'query', faults: isDeclared(operation, name) ? [] : [`${name} is unknown`] })),
    ...(operation.requestBody === undefined
      ? []
      : [{ location: 'body', faults: [...ofBody(operation, json), ...ofId(operation, json, values)] }]),
  ].filter(each => each.faults.length > 0)
  if (wrong.length > 0) return { statuses: [422], locations: [...new Set(wrong.map(({ location }) => location))].sort() }

  return { statuses: ofMeaning(operation, values, query, fields, json), locations: [], body: json }
}

/** The statuses for a request that fits its schema: an unknown id, a duplicate name or a failed condition is refused. */
function ofMeaning(
  { method, path }: Operation,
  values: Record<string, string>,
  query: URLSearchParams,
  fields: Map<string, string>,
  json: unknown,
): Verdict['statuses'] {
  const body = (json ?? {}) as Record<string, unknown>
  const ids = Object.keys(values).filter(name => name !== 'userId')
  const there = ids.every(name => folded(values[name] ?? '') === ownedAs.get(name))
  const mine = (name: string) => ids.includes(name) && there

  // No schema can say it, so it is found after the faults of the schema, and before conditions.
  if (query.get('sort') === 'relevance' && !query.has('q')) return [422]

  const must: number[] = []
  const may: number[] = []
  const revision = revisions[ids.at(-1) ?? (path.endsWith('{userId}') ? 'profile' : 'list')] as number
  // The ETag of a reply that depends on the clock contains the minute. No generated request knows it.
  const isOfMinute = path.endsWith('/summary') || query.has('overdue')
  const named = (header: string, weakly: boolean) => names(fields.get(header), isOfMinute ? Number.NaN : revision, weakly)
  if (there && named('if-match', false) === false) must.push(412)
  else if (there && named('if-none-match', true) === true) must.push(method === 'GET' ? 304 : 412)
  if (!there) must.push(...(method === 'PUT' ? [] : [404]))
  if (!there && method === 'PUT' && fields.has('if-match')) must.push(412)
  if (typeof body.categoryId === 'string' && body.categoryId.toLowerCase() !== owned.categoryId) must.push(422)
  if (typeof body.parentId === 'string') {
    if (body.parentId.toLowerCase() !== owned.taskId) must.push(422)
    else if (mine('taskId') || typeof body.categoryId === 'string') must.push(409) // below itself, or not in the category of its parent
  }
  if (typeof body.before === 'string' || typeof body.after === 'string') must.push(422) // there is no other task
  const isRelative = ({ minutesBefore }: { minutesBefore?: unknown }) => typeof minutesBefore === 'number'
  const dated = typeof body.dueTime === 'string' || (Array.isArray(body.reminders) && body.reminders.some(isRelative))
  if (dated && body.dueDate === null) must.push(422)
  const { rule } = (body.recurrence ?? {}) as { rule?: string }
  const due = body.dueDate === undefined && method === 'PATCH' ? owned.dueDate : ((body.dueDate ?? null) as string | null)
  if (rule !== undefined && checkRule(rule, due) !== null) must.push(422)
  if (path.includes('/webhooks') && typeof body.url === 'string' && urlFault(body.url, false)) must.push(422)
  if (path.endsWith('/replay') && Number(body.revision) > revisions.list) must.push(409)
  const duplicate = path.includes('/categories') && typeof body.name === 'string' && folded(body.name) === folded(owned.name)
  if (duplicate && !mine('categoryId')) must.push(409)
  if (query.has('cursor')) may.push(422)
  if (path.endsWith('/batch') && body.atomic === true) may.push(404, 409, 412, 422) // of its operations
  return must.length > 0 ? [...must, ...may] : ['2xx', ...may]
}

const revisions = { profile: 1, categoryId: 2, taskId: 3, label: 3, itemId: 3, calendarId: 3, webhookId: 3, list: 3 } as Record<
  string,
  number
> & { list: number }

/** Whether a condition that fits its schema names the revision (RFC 9110, section 13.1); undefined if it was not sent. */
function names(condition: string | undefined, revision: number, weakly: boolean): boolean | undefined {
  if (condition === undefined || condition === '*') return condition && true
  const tag = /(W\/)?"[\x21\x23-\x7e\x80-\xff]*"/
  const tags = [...condition.matchAll(new RegExp(tag, 'g'))].map(([each]) => (weakly ? each.replace(/^W\//, '') : each))
  return tags.includes(`"${revision}"`)
}

/** The values of the segments of the path. A segment that isn't percent-encoded UTF-8 stands for itself. */
function pathValues(template: string, path: string): Record<string, string> {
  const segments = path.split('/')
  const pairs = template
    .split('/')
    .flatMap((name, i): [string, string][] => (name.startsWith('{') ? [[name.slice(1, -1), segments[i] ?? '']] : []))
  return Object.fromEntries(pairs.map(([name, segment]) => [name, decoded(segment)]))
}

function decoded(segment: string) {
  return isUtf8(segment) ? decodeURIComponent(segment) : segment
}

function isUtf8(text: string) {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** Fields by lower-case name: one that was sent twice is a list (RFC 9110, section 5.3). */
function headersOf(headers: Sample['headers']): Map<string, string> {
  const fields = new Map<string, string>()
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    const trimmed = value.replaceAll(/^[ \t]+|[ \t]+$/g, '')
    fields.set(key, fields.has(key) ? `${fields.get(key)}, ${trimmed}` : trimmed)
  }
  return fields
}

const takesJson = ({ requestBody }: Operation) => requestBody?.content['application/json'] !== undefined

function isAccepted(fields: Map<string, string>, { requestBody }: Operation) {
  const outsideQuotes = /;(?=(?:[^"]*"[^"]*")*[^"]*$)/
  const [type, ...parameters] = (fields.get('content-type') ?? '').split(outsideQuotes).map(each => each.trim().toLowerCase())
  const coding = fields.get('content-encoding') ?? 'identity'
  const charsets = parameters.filter(each => each.startsWith('charset='))
  return (
    Object.hasOwn(requestBody?.content ?? {}, type ?? '') &&
    parameters.every(each => /^([\w.-]+=([\w.-]+|"[^"]*"))?$/.test(each)) &&
    charsets.every(each => /^charset="?utf-?8"?$/.test(each)) &&
    coding === 'identity'
  )
}

function ofText({ in: location, schema: reference }: Parameter, texts: string[]): Where {
  const schema = resolved(reference)
  const items = schema.items === undefined ? undefined : resolved(schema.items)
  const values = texts.map(text => meant(items ?? schema, text))
  const value = items === undefined && values.length === 1 ? values[0] : values
  return { location, faults: faults(schema, value) }
}

function ofHeader({ name, schema }: Parameter, fields: Map<string, string>): Where[] {
  const value = fields.get(name.toLowerCase())
  return value === undefined ? [] : [{ location: 'header', faults: faults(resolved(schema), value) }]
}

function ofBody(operation: Operation, json: unknown): string[] {
  if (json === undefined) return ['there is none']
  if (!takesJson(operation)) return []
  const found = faults(resolved(operation.requestBody?.content['application/json']?.schema as Schema), json)
  const zone = typeof json === 'object' && json !== null && 'timeZone' in json ? json.timeZone : null
  return typeof zone === 'string' && zone !== '' && !isTimeZone(zone) ? [...found, 'timeZone is unknown'] : found
}

/** An id in a body must be that of the path. The id of a user is another one than every id that is made up. */
function ofId({ path }: Operation, json: unknown, values: Record<string, string>): string[] {
  const id = typeof json === 'object' && json !== null && 'id' in json ? json.id : null
  const own = values[/\{(\w+)\}$/.exec(path)?.[1] ?? '']
  return typeof id !== 'string' || id.toLowerCase() === own?.toLowerCase() ? [] : ['id is another one']
}

function meant({ type }: Schema, text: string): unknown {
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (type === 'integer') return /^-?(0|[1-9]\d*)$/.test(text) ? Number(text) : text
  return text
}

const parameter = (operation: Operation, name: string) => operation.parameters.find(each => each.in === 'query' && each.name === name)
const isDeclared = (operation: Operation, name: string) => parameter(operation, name) !== undefined
