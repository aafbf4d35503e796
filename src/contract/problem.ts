import type { components } from '../../generated/api.ts'

type Body = components['schemas']['Problem']
export type FieldError = components['schemas']['FieldError']
export type Kind = Body['type'] extends `/problems/${infer Name}` ? Name : never

// The keys are the enum of the spec: a kind without an entry does not compile.
const kinds: Record<Kind, { status: number; title: string; detail: string }> = {
  'malformed-json': { status: 400, title: 'Malformed JSON', detail: 'The body is not valid JSON in UTF-8.' },
  'malformed-request': { status: 400, title: 'Malformed HTTP request', detail: 'The request violates RFC 9110 or RFC 9112.' },
  unauthenticated: { status: 401, title: 'No valid token', detail: 'Send a token: Authorization: Bearer <JWT>.' },
  forbidden: {
    status: 403,
    title: 'Forbidden',
    detail: 'The user id in the path is not the one in your token. Use your own id or "me".',
  },
  'not-found': { status: 404, title: 'Not found', detail: 'The resource does not exist. It may have been deleted.' },
  'method-not-allowed': { status: 405, title: 'Method not allowed', detail: 'The path supports only the methods in the Allow header.' },
  'request-timeout': { status: 408, title: 'Request timeout', detail: 'The request did not arrive in time. Send it again.' },
  conflict: { status: 409, title: 'Conflict', detail: 'The change conflicts with an existing resource.' },
  'quota-exceeded': { status: 409, title: 'Quota exceeded', detail: 'The account has reached its limit. Delete something first.' },
  'in-flight': {
    status: 409,
    title: 'Request in flight',
    detail: 'The first request with this Idempotency-Key is still being executed. Send it again shortly.',
  },
  'cursor-expired': {
    status: 410,
    title: 'Cursor expired',
    detail: 'The server no longer knows all that has changed since this cursor. Read the snapshot, which is the list without a cursor.',
  },
  'precondition-failed': { status: 412, title: 'Precondition failed', detail: 'The resource does not exist. It may have been deleted.' },
  'content-too-large': { status: 413, title: 'Content too large', detail: 'The body is too large.' },
  'unsupported-media-type': {
    status: 415,
    title: 'Unsupported media type',
    detail: 'The media type or the coding of the body is not supported.',
  },
  'invalid-request': { status: 422, title: 'Invalid request', detail: 'The request breaks the schema.' },
  'too-many-requests': { status: 429, title: 'Too many requests', detail: 'The request budget is used up. Try again later.' },
  'headers-too-large': {
    status: 431,
    title: 'Request headers too large',
    detail: 'The request target and the headers exceed 64 KiB, or there are more than 200 headers.',
  },
  internal: { status: 500, title: 'Internal error', detail: 'The server has a bug. Please report it with the request id.' },
  'not-implemented': { status: 501, title: 'Method not implemented', detail: 'The server does not know the method.' },
  unavailable: {
    status: 503,
    title: 'Temporarily unavailable',
    detail: 'The database or the key server is unavailable. Try again shortly.',
  },
}

type Options = { detail?: string; errors?: FieldError[]; headers?: Record<string, string>; cause?: unknown }

/** An error for the caller (RFC 9457). Any layer may throw it; one place turns it into a reply. */
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

/** 422 with every fault of the request. */
export function invalid(...errors: FieldError[]): Problem {
  const places = errors.length === 1 ? '1 place' : `${errors.length} places`
  return new Problem('invalid-request', { detail: `The request breaks the schema in ${places}.`, errors })
}

/** The media types that an operation takes, and the header that says so: Accept-Patch for a PATCH (RFC 5789), Accept for others (RFC 9110). */
export type MediaTypes = { types: readonly string[]; acceptHeader: 'Accept' | 'Accept-Patch' }

/** 415. Its headers say whether the type or the coding of the body is wrong (RFC 9110, section 15.5.16). */
export function unsupportedMediaType({ types, acceptHeader }: MediaTypes, { isKnown = false, isCoded = false } = {}): Problem {
  return new Problem('unsupported-media-type', {
    detail: `Send the body uncompressed with Content-Type: ${types.join(' or ')}.`,
    headers: { ...(!isKnown && { [acceptHeader]: types.join(', ') }), ...(isCoded && { 'Accept-Encoding': 'identity' }) },
  })
}

/** 503. `seconds` is the value of Retry-After. */
export function unavailable(detail: string, cause?: unknown, seconds = 1): Problem {
  return new Problem('unavailable', { detail, cause, headers: { 'Retry-After': String(seconds) } })
}

/** The first row, or 404 if there is none. */
export function found<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw new Problem('not-found')
  return row
}
