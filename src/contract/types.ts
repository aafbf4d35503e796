// The spec as types: what a handler is given and what it may answer.
import type { components, operations } from '../../generated/api.ts'
import type { Defaults, ReadOnly } from '../../generated/defaults.ts'
import type { Problem } from './problem.ts'

export type OperationId = keyof operations

/** The claims of a token about its user, beside the id. */
export type Claims = { email: string | null; name: string | null }
/** The user whose token came with the request; `id` is the verified `sub`. The token is no longer valid at `expiresAt`, in ms since the epoch. */
export type Caller = { id: string; claims: Claims; expiresAt: number }

/** A body that is not JSON, as it arrives. Reading it throws a Problem when it is too long or ends early. */
export type Upload<Type = string> = { type: Type; chunks: AsyncIterable<Uint8Array> }
/** A body that is written as it comes. */
export type Stream = AsyncIterable<string | Uint8Array>
/**
 * Opens a stream of the events of an owner. It begins with what has changed since a revision, or with nothing where that is undefined, and ends
 * at `expiresAt` (ms since the epoch) at the latest.
 */
export type OpenEvents = (owner: string, since: number | undefined, expiresAt: number) => Promise<LiveBody>
/** The parts of a reply whose body is live. */
export type LiveBody = { body: Stream; heartbeat: string; farewell: string }
/** The compressed forms of a body that is the same for every caller. Each is made when a client first accepts it. */
export type Codings = { br?: () => Promise<Uint8Array>; gzip?: () => Promise<Uint8Array> }

type Parameters<Op extends OperationId, In extends 'path' | 'query' | 'header'> = NonNullable<operations[Op]['parameters'][In]>

// The pipeline fills in the defaults of the spec, so a handler finds these properties always.
type Filled<All, Op extends OperationId, In extends 'query' | 'body'> = Op extends keyof Defaults
  ? In extends keyof Defaults[Op]
    ? All & Required<Pick<All, Extract<keyof All, Defaults[Op][In]>>>
    : All
  : All

// The pipeline leaves out the fields that only the server writes, which a client may send back.
type Writable<All, Op extends OperationId> = Op extends keyof ReadOnly ? Omit<All, ReadOnly[Op]> : All

type Json = 'application/json' | `${string}+json`
type Received<Op extends OperationId, Content> = {
  [Type in keyof Content]: Type extends Json ? Filled<Writable<Content[Type], Op>, Op, 'body'> : Upload<Type>
}[keyof Content]
type Body<Op extends OperationId> = operations[Op] extends { requestBody?: never }
  ? undefined
  : operations[Op] extends { requestBody: { content: infer Content } }
    ? Received<Op, Content>
    : operations[Op] extends { requestBody?: { content: infer Content } }
      ? Received<Op, Content> | undefined
      : never

export type Call<Op extends OperationId> = {
  /** the verified `sub` that owns {userId} */
  owner: string
  claims: Claims
  /** the end of the token, in ms since the epoch; undefined in a call that another operation made */
  expiresAt?: number
  path: Parameters<Op, 'path'>
  query: Filled<Parameters<Op, 'query'>, Op, 'query'>
  headers: { [Name in keyof Parameters<Op, 'header'> as Lowercase<Name & string>]: Parameters<Op, 'header'>[Name] }
  body: Body<Op>
  operations: Operations
  /** A problem as the body that a reply to this request has for it, for a reply with several. */
  describe: (problem: Problem) => components['schemas']['Problem']
}

/** A request for an operation, of which nothing is certain but its caller. */
export type Unjudged = Pick<Call<OperationId>, 'owner' | 'claims'> & {
  path: Record<string, string>
  query?: Record<string, unknown>
  headers?: Record<string, string | undefined>
  body?: unknown
}

/** All operations, for a handler that executes or judges others for its caller. Neither counts against a rate limit. */
export type Operations = {
  /** Validates the request and returns the call that the handler of the operation would get, with defaults. Throws 422 with every error. */
  judged: <Op extends OperationId>(operation: Op, request: Unjudged) => Call<Op>
  /** Resolves with the reply, or rejects with the problem. */
  execute: (operation: OperationId, request: Unjudged) => Promise<AnyReply>
}

// A body that is the same for every caller: it has an ETag, and is compressed as the client accepts.
type Fixed<Type> = { body: Uint8Array; type: Type; codings: Codings; heartbeat?: never; farewell?: never }

// JSON needs no type, and may be bytes already; another media type is named, and its body may be a stream. One with a heartbeat is live: it may
// never end. While it is quiet, the heartbeat is written now and then, so that nothing on the way takes the connection for dead. At shutdown it
// ends with its farewell.
type Content<Response> = Response extends { content: infer Media }
  ? Media extends { 'application/json': infer Json }
    ? { body: Json | Uint8Array; type?: never; heartbeat?: never; farewell?: never } | Fixed<'application/json'>
    : {
        [Type in keyof Media]: { body: Media[Type] | Stream; type: Type; heartbeat?: string; farewell?: string } | Fixed<Type>
      }[keyof Media]
  : { body?: never; type?: never; heartbeat?: never; farewell?: never }

// The headers that a handler sets: not those that every reply has, nor that of a repeated request.
type Common = 'Idempotency-Replayed' | 'RateLimit' | 'RateLimit-Policy' | 'X-Api-Version' | 'X-Request-Id'
type Own<All> = { [Name in keyof All as string extends Name ? never : Name extends Common ? never : Name]: All[Name] }
type Headers<Response> = Response extends { headers: infer All }
  ? keyof Own<All> extends never
    ? { headers?: never }
    : { headers: Own<All> }
  : never

type Success = 200 | 201 | 204 | 304

/** What a handler may return; a failure is thrown as a Problem. */
export type Reply<Op extends OperationId> = {
  [Status in keyof operations[Op]['responses'] & Success]: { status: Status } & Headers<operations[Op]['responses'][Status]> &
    Content<operations[Op]['responses'][Status]>
}[keyof operations[Op]['responses'] & Success]

export type Handlers = { [Op in OperationId]: (call: Call<Op>) => Promise<Reply<Op>> }

/** A reply of any operation. */
export type AnyReply = {
  status: number
  headers?: Record<string, unknown>
  type?: string
  body?: unknown
  heartbeat?: string
  farewell?: string
  codings?: Codings
}
/** The handlers of any document, by operation id. */
export type AnyHandlers = Record<string, (call: never) => Promise<AnyReply>>
