// The spec as types: what a handler is given and what it may answer.
import type { operations } from '../../generated/api.ts'

export type OperationId = keyof operations

type Success = 200 | 201 | 204 | 304

type Parameters<Op extends OperationId, In extends 'path' | 'query' | 'header'> = NonNullable<operations[Op]['parameters'][In]>
// The headers that a handler sets: not those that every reply has.
type Common = 'RateLimit' | 'RateLimit-Policy' | 'X-Api-Version' | 'X-Request-Id'
type Own<All> = { [Name in keyof All as string extends Name ? never : Name extends Common ? never : Name]: All[Name] }

// The router fills in the spec's defaults, so handlers see these as present. A test holds the spec to it:
// `limit` and `sort` have a default, and so has each optional field of a body that isn't a patch.
type Filled<Query> = Query & Required<Pick<Query, Extract<keyof Query, 'limit' | 'sort'>>>
type Json<Op extends OperationId> = operations[Op] extends { requestBody: { content: { 'application/json': infer Body } } }
  ? Op extends `update${string}`
    ? Body
    : Required<Body>
  : undefined

/** What a token says about its user, beside the id. */
export type Claims = { email: string | null; name: string | null }
/** The user whose token came with the request; `id` is the verified `sub`. */
export type Caller = { id: string; claims: Claims }

export type Call<Op extends OperationId> = {
  /** the verified `sub` that owns {userId} */
  owner: string
  claims: Claims
  path: Parameters<Op, 'path'>
  query: Filled<Parameters<Op, 'query'>>
  headers: { [Name in keyof Parameters<Op, 'header'> as Lowercase<Name & string>]: Parameters<Op, 'header'>[Name] }
  body: Json<Op>
}

// JSON goes without saying; another media type is named.
type Content<Response> = Response extends { content: infer Media }
  ? Media extends { 'application/json': infer Body }
    ? { body: Body; type?: never }
    : { [Type in keyof Media]: { body: Media[Type]; type: Type } }[keyof Media]
  : { body?: never; type?: never }

type Headers<Response> = Response extends { headers: infer All }
  ? keyof Own<All> extends never
    ? { headers?: never }
    : { headers: Own<All> }
  : never

/** What a handler may return; a failure is thrown as a Problem. */
export type Reply<Op extends OperationId> = {
  [Status in keyof operations[Op]['responses'] & Success]: { status: Status } & Headers<operations[Op]['responses'][Status]> &
    Content<operations[Op]['responses'][Status]>
}[keyof operations[Op]['responses'] & Success]

export type Handlers = { [Op in OperationId]: (call: Call<Op>) => Promise<Reply<Op>> }

/** A reply whose operation doesn't matter any more. */
export type AnyReply = { status: number; headers?: Record<string, unknown>; type?: string; body?: unknown }
