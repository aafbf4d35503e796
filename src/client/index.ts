// The typed client for frontend teams: the operations of openapi.yaml as functions. README.md describes its use.
import createOpenapiClient, { defaultPathSerializer, type Client as OpenapiClient } from 'openapi-fetch'
import type { paths } from '../../generated/api.ts'
import { requests } from '../../generated/requests.ts'
import { createEvents, type EventOptions, type RevisionEvent } from './events.ts'
import { quotedKey, type RetryOptions, withRetries } from './retry.ts'
import type {
  Arguments,
  BatchOperation,
  Call,
  Changes,
  ChangesInput,
  Input,
  Item,
  Listing,
  OperationId,
  Problem,
  Schemas,
  Tag,
} from './types.ts'

export type { components, operations, paths } from '../../generated/api.ts'
export type { EventOptions, RevisionEvent } from './events.ts'
export type {
  BatchOperation,
  Changes,
  ChangesInput,
  Failure,
  FileBody,
  Input,
  Listing,
  NotModified,
  OperationId,
  Problem,
  Result,
  Schemas,
  Success,
  Tag,
} from './types.ts'
export type Category = Schemas['Category']
export type Change = Schemas['Change']
export type FieldError = Schemas['FieldError']
export type Label = Schemas['Label']
export type Summary = Schemas['Summary']
export type Task = Schemas['Task']
export type User = Schemas['User']

export type Options = RetryOptions & {
  /** URL of the mock, the sandbox or the server */
  baseUrl: string
  /** a JWT, or a function that returns the current one, called for every request. Without a token the server replies 401. */
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined
  fetch?: ((request: Request) => Promise<Response>) | undefined
}

export type Client = { readonly [Op in Exclude<OperationId, 'streamEvents'>]: Call<Op> } & {
  /** Iterates over all items of a list, page by page. Throws a ProblemError if the server refuses a page. */
  each: <Op extends Listing>(
    operationId: Op,
    ...input: Arguments<Omit<Input<Op>, 'ifNoneMatch'>>
  ) => AsyncGenerator<Item<Op>, void, undefined>
  /**
   * Iterates over the live events of the account. It connects again by itself, with a new token and after the last event, until you leave the
   * loop or abort `signal`. Throws a ProblemError if the server refuses it, such as 401 or 403.
   */
  events: (options?: EventOptions) => AsyncGenerator<RevisionEvent, void, undefined>
  /**
   * Iterates over the pages of what has changed since a cursor, until there is no more for now. Keep the items of a page and its `nextCursor`
   * together. If the cursor has expired (410), a snapshot follows. Throws a ProblemError if the server refuses a page.
   */
  changes: (input?: ChangesInput) => AsyncGenerator<Changes, void, undefined>
  /** the underlying openapi-fetch client, with token and retries, for libraries such as openapi-react-query */
  openapi: OpenapiClient<paths>
}

/** A problem as an exception. `each` and `unwrap` throw it. */
export class ProblemError extends Error {
  override name = 'ProblemError'
  readonly problem: Problem
  readonly response: Response

  constructor({ problem, response }: Refusal) {
    super(`${problem.title}: ${problem.detail}`)
    this.problem = problem
    this.response = response
  }
}

type Refusal = { ok: false; status: number; problem: Problem; response: Response }
type Reply = { ok: true; status: number; data: unknown; etag: string | undefined; response: Response } | Refusal
type Sent = {
  path?: object
  query?: object
  body?: unknown
  type?: string
  ifMatch?: Tag
  ifNoneMatch?: Tag
  idempotencyKey?: string
  headers?: Record<string, string>
  signal?: AbortSignal
}
type Send = (method: string, path: string, init: object) => Promise<{ data?: unknown; error?: unknown; response: Response }>

export function createClient({ baseUrl, token, fetch = request => globalThis.fetch(request), ...retryOptions }: Options): Client {
  const openapi = createOpenapiClient<paths>({ baseUrl, fetch: withRetries(fetch, retryOptions), pathSerializer })
  const currentToken = async () => (typeof token === 'function' ? await token() : token)
  openapi.use({
    async onRequest({ request }) {
      const jwt = await currentToken()
      if (jwt !== undefined) request.headers.set('Authorization', `Bearer ${jwt}`)
    },
  })
  // `requests` pairs method and path correctly; the compiler cannot check this.
  const send = openapi.request as Send

  async function call(
    operationId: OperationId,
    { path, query, body, type, ifMatch, ifNoneMatch, idempotencyKey, headers, ...init }: Sent = {},
  ): Promise<Reply> {
    const { method, path: template, ...how } = requests[operationId]
    const conditions = { 'If-Match': etag(ifMatch), 'If-None-Match': etag(ifNoneMatch) }
    const key = idempotencyKey === undefined ? undefined : quotedKey(idempotencyKey)
    const params = { path: { userId: 'me', ...path }, query, header: { ...conditions, 'Idempotency-Key': key } }
    const content = body !== undefined && { body: operationId === 'runBatch' ? tagged(body as Batch) : body }
    const file = type === undefined ? { headers } : { ...asItIs, headers: { ...headers, 'Content-Type': type } }
    const { data, error, response } = await send(method, template, { ...init, ...content, ...how, params, ...file })
    const { status } = response
    if (response.ok || status === 304) return { ok: true, status, data, etag: tagOf(response), response }
    // A gateway in between has its own errors, which are not replies of the API.
    if (!response.headers.get('content-type')?.startsWith('application/problem+json'))
      throw new Error(`${operationId} got ${status} from something that is not Taskspec`, { cause: response })
    return { ok: false, status, problem: error as Problem, response }
  }

  async function* each(operationId: Listing, input: Sent = {}) {
    let query: { cursor?: string } = { ...input.query }
    for (;;) {
      const { items, nextCursor } = unwrap(await call(operationId, { ...input, query })) as Schemas[
        | 'TaskPage'
        | 'CategoryPage'
        | 'LabelPage']
      yield* items
      // The mock has a single page, whose `nextCursor` leads to itself.
      if (nextCursor === null || nextCursor === query.cursor) return
      query = { ...query, cursor: nextCursor }
    }
  }

  async function* changes({ cursor: kept, limit, ...input }: ChangesInput = {}) {
    for (let cursor = kept, reset = kept === undefined; ; ) {
      const reply = await call('listChanges', { ...input, query: { cursor, limit } } as Sent)
      if (cursor !== undefined && reply.status === 410) {
        cursor = undefined
        reset = true
        continue
      }
      const page = unwrap(reply) as Schemas['ChangePage']
      yield { ...page, reset }
      if (!page.hasMore) return
      cursor = page.nextCursor
      reset = false
    }
  }

  async function connect(headers: Record<string, string>, signal: AbortSignal): Promise<Response | undefined> {
    const jwt = await currentToken()
    const authorization = jwt === undefined ? {} : { Authorization: `Bearer ${jwt}` }
    const url = `${baseUrl.replace(/\/$/, '')}${requests.streamEvents.path.replace('{userId}', 'me')}`
    return fetch(new Request(url, { headers: { ...headers, ...authorization }, signal })).catch(() => undefined)
  }

  const ids = Object.keys(requests).filter(id => id !== 'streamEvents')
  const calls = ids.map(id => [id, (input?: Sent) => call(id as OperationId, input)])
  const events = createEvents(connect, refusal => new ProblemError(refusal), retryOptions.maxWait)
  return { ...Object.fromEntries(calls), each, changes, events, openapi }
}

/** Returns the data of a reply, or throws its problem as a ProblemError. */
export function unwrap<R extends { ok: true; data: unknown } | Refusal>(reply: R): Extract<R, { ok: true }>['data'] {
  if (!reply.ok) throw new ProblemError(reply)
  return reply.data
}

type Batch = { operations: readonly BatchOperation[] }

/** A batch whose conditions are ETags. */
const tagged = ({ operations, ...batch }: Batch) => ({
  ...batch,
  operations: operations.map(each => ({ ...each, ifMatch: etag(each.ifMatch), ifNoneMatch: etag(each.ifNoneMatch) })),
})
/** Of a body that is no JSON. `duplex` permits a stream. */
const asItIs = { bodySerializer: (body: unknown) => body, duplex: 'half' }

const etag = (tag: Tag | undefined) => (typeof tag === 'object' ? `"${tag.revision}"` : tag)

// A gateway that compresses makes ETags weak, and a weak ETag never matches If-Match. Ours identify the content in any encoding.
const tagOf = (response: Response) => response.headers.get('etag')?.replace(/^W\//, '')

// URL parsing would remove the segments `.` and `..`: `tasks/..` is not a task.
function pathSerializer(template: string, parameters: Record<string, unknown>): string {
  for (const [name, value] of Object.entries(parameters)) if (/^\.{0,2}$/.test(String(value))) throw new TypeError(`${name} is "${value}"`)
  return defaultPathSerializer(template, parameters)
}
