// Replies announce the deprecations of the spec: Deprecation (RFC 9745) and Sunset (RFC 8594).
// Beside `deprecated: true` the spec says `x-deprecated-at` and `x-sunset-at`, each a day.

type DeprecationFields = { deprecated?: boolean; 'x-deprecated-at'?: string; 'x-sunset-at'?: string }
type Schema = DeprecationFields & { properties?: Record<string, Schema>; items?: Schema }
type Media = { content?: Record<string, { schema?: Schema }> }
export type Deprecatable = DeprecationFields & {
  parameters?: (DeprecationFields & { name: string; in: string })[]
  requestBody?: Media
  responses?: Record<string, Media>
}
type RequestParts = { query: object; header: object; body: unknown }

export type Deprecation = {
  /** on every reply: the operation itself is deprecated, or a field of its reply */
  always: Record<string, string>
  /** on a reply to a request that uses a deprecated parameter or field; undefined where there is none */
  used: ((request: RequestParts) => Record<string, string>) | undefined
}

/** The headers of an operation whose references are resolved. */
export function createDeprecation(operation: Deprecatable): Deprecation {
  const replyFields = Object.entries(operation.responses ?? {}).flatMap(([status, media]) => (status.startsWith('2') ? fields(media) : []))
  const bodyFields = fields(operation.requestBody ?? {})
  const parameters = (operation.parameters ?? []).filter(({ deprecated }) => deprecated)
  const fixed = [operation, ...replyFields.map(([, schema]) => schema)]
  if (parameters.length === 0 && bodyFields.length === 0) return { always: headersOf(fixed), used: undefined }

  return {
    always: headersOf(fixed),
    used: ({ query, header, body }) =>
      headersOf([
        ...fixed,
        ...parameters.filter(({ in: place, name }) =>
          has(place === 'query' ? query : header, place === 'query' ? name : name.toLowerCase()),
        ),
        ...bodyFields.filter(([name]) => has(body, name)).map(([, schema]) => schema),
      ]),
  }
}

/** The deprecated fields of a body, also of the items of a page. */
function fields({ content = {} }: Media): [name: string, schema: Schema][] {
  return Object.values(content).flatMap(({ schema }) => within(schema ?? {}))
}

function within({ properties = {}, items }: Schema): [string, Schema][] {
  const own = Object.entries(properties)
  return [
    ...own.filter(([, { deprecated }]) => deprecated),
    ...own.flatMap(([, schema]) => within(schema)),
    ...(items ? within(items) : []),
  ]
}

const has = (value: unknown, name: string) =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) && value[name as keyof typeof value] !== undefined

/** The earliest days of all deprecations. */
function headersOf(all: DeprecationFields[]): Record<string, string> {
  const deprecations = all.filter(({ deprecated }) => deprecated)
  const days = (name: 'x-deprecated-at' | 'x-sunset-at') =>
    deprecations.map(each => new Date(each[name] ?? Number.NaN)).sort((a, b) => +a - +b)
  const [since, end] = [days('x-deprecated-at')[0], days('x-sunset-at')[0]]
  if (since === undefined || end === undefined) return {}
  return { Deprecation: `@${since.getTime() / 1000}`, Sunset: end.toUTCString() }
}
