import type { components } from '../../generated/api.ts'

type Body = components['schemas']['Problem']
export type FieldError = components['schemas']['FieldError']
export type Kind = Body['type'] extends `/problems/${infer Name}` ? Name : never

// The kinds are the enum of the spec: one without a line here does not compile.
const kinds: Record<Kind, { status: number; title: string; detail: string }> = {
  'malformed-json': { status: 400, title: 'The body is not JSON', detail: "The body can't be read as JSON in UTF-8." },
  'malformed-request': { status: 400, title: 'This is not HTTP', detail: 'The request breaks the rules of HTTP (RFC 9110, RFC 9112).' },
  unauthenticated: { status: 401, title: 'No valid token', detail: 'Send a token: Authorization: Bearer <JWT>.' },
  forbidden: {
    status: 403,
    title: 'Not your space',
    detail: 'The user id in the path is not the one of your token. Use your own, or "me".',
  },
  'not-found': { status: 404, title: 'Not found', detail: 'There is nothing here. It may have been deleted.' },
  'method-not-allowed': { status: 405, title: 'Method not allowed', detail: 'This path knows the methods in Allow only.' },
  'request-timeout': { status: 408, title: 'Too slow', detail: 'The request did not come in time. Send it again.' },
  conflict: { status: 409, title: 'Conflict', detail: 'This contradicts what is there already.' },
  'quota-exceeded': { status: 409, title: 'The account is full', detail: 'There is no room for more. Delete something first.' },
  'precondition-failed': { status: 412, title: 'It has changed', detail: 'Nothing of that id is there (any more).' },
  'content-too-large': { status: 413, title: 'The body is too large', detail: 'A body has 1 MiB at most.' },
  'unsupported-media-type': {
    status: 415,
    title: 'The body must be JSON',
    detail: 'Send the body uncompressed with Content-Type: application/json.',
  },
  'invalid-request': { status: 422, title: 'The request is not valid', detail: 'The request breaks the schema.' },
  'too-many-requests': { status: 429, title: 'Too many requests', detail: 'There were too many requests. Try again later.' },
  'headers-too-large': {
    status: 431,
    title: 'The headers are too large',
    detail: 'The target and the headers have 64 KiB at most, and there are 200 headers at most.',
  },
  internal: { status: 500, title: 'Internal error', detail: 'This is a mistake of ours. Please report it with the request id.' },
  unavailable: { status: 503, title: 'Temporarily unavailable', detail: 'Something that the server needs is away. Try again shortly.' },
}

type Options = { detail?: string; errors?: FieldError[]; headers?: Record<string, string>; cause?: unknown }

/** A failure that the caller is told about (RFC 9457). Thrown anywhere, written in one place. */
export class Problem extends Error {
  override name = 'Problem'
  readonly kind: Kind
  readonly status: number
  readonly headers: Record<string, string>
  readonly errors: FieldError[]

  constructor(kind: Kind, { detail = kinds[kind].detail, errors = [], headers = {}, cause }: Options = {}) {
    super(detail, { cause })
    this.kind = kind
    this.status = kinds[kind].status
    this.headers = headers
    this.errors = errors
  }

  body(instance: string, requestId: string): Body {
    const { status, title } = kinds[this.kind]
    return { type: `/problems/${this.kind}`, title, status, detail: this.message, instance, requestId, errors: this.errors }
  }
}

/** The request breaks the schema, in these places. */
export function invalid(...errors: FieldError[]): Problem {
  const places = errors.length === 1 ? '1 place' : `${errors.length} places`
  return new Problem('invalid-request', { detail: `The request breaks the schema in ${places}.`, errors })
}

/** The database or the key server is away; `seconds` is what Retry-After says. */
export function unavailable(detail: string, cause?: unknown, seconds = 1): Problem {
  return new Problem('unavailable', { detail, cause, headers: { 'Retry-After': String(seconds) } })
}

/** The one row, or 404. */
export function found<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw new Problem('not-found')
  return row
}
