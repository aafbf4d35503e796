// The operations of the contract as calls: input and result of each.
import type { components, operations } from '../../generated/api.ts'

export type OperationId = keyof operations
export type Schemas = components['schemas']
export type Problem = Schemas['Problem']

/** An ETag from a reply, or a resource: its revision is its ETag. */
export type Tag = string | { revision: number }

type Nothing = Record<never, never>
type Parameters<Op extends OperationId> = operations[Op]['parameters']
type Header<Op extends OperationId> = NonNullable<Parameters<Op>['header']>

// `userId` is `me` by default.
type Path<Op extends OperationId> =
  Parameters<Op> extends { path: infer All } ? ('userId' extends keyof All ? Omit<All, 'userId'> & { userId?: string } : All) : never
// A header that takes ETags also takes a resource.
type Condition<Op extends OperationId, Name extends 'If-Match' | 'If-None-Match'> = Name extends keyof Header<Op> ? Tag : never
type Optional<Name extends string, Value> = [Value] extends [never] ? unknown : { [_ in Name]?: Value | undefined }

type JsonBody<Op extends OperationId> = operations[Op] extends { requestBody: { content: { 'application/json': infer Json } } }
  ? { body: Json }
  : unknown

type Batched = Schemas['BatchInput']['operations'][number]['operationId']
type OwnPath<Op extends OperationId> = Omit<Path<Op>, 'userId'>
/** An operation of a batch, with the same input as its call. */
export type BatchOperation = {
  [Op in Batched]: Flat<
    { operationId: Op } & (Nothing extends OwnPath<Op> ? unknown : { path: OwnPath<Op> }) &
      JsonBody<Op> & {
        ifMatch?: Tag | undefined
        ifNoneMatch?: Tag | undefined
      }
  >
}[Batched]
type Batch = { body: Omit<Schemas['BatchInput'], 'operations'> & { operations: readonly BatchOperation[] } }
/** A file that is sent. In Node, `openAsBlob` of `node:fs` makes a Blob of one that is read as it is sent. */
export type FileBody = string | Blob | ReadableStream<Uint8Array>
type FileType<Op extends OperationId> = operations[Op] extends { requestBody: { content: infer Content } }
  ? 'application/json' extends keyof Content
    ? never
    : keyof Content
  : never

/** The input of a call. */
export type Input<Op extends OperationId> = Flat<
  (Nothing extends Path<Op> ? { path?: Path<Op> | undefined } : [Path<Op>] extends [never] ? unknown : { path: Path<Op> }) &
    (Op extends 'runBatch' ? Batch : JsonBody<Op>) &
    ([FileType<Op>] extends [never] ? unknown : { body: FileBody; type: FileType<Op> }) &
    Optional<'query', NonNullable<Parameters<Op>['query']>> &
    Optional<'ifMatch', Condition<Op, 'If-Match'>> &
    Optional<'ifNoneMatch', Condition<Op, 'If-None-Match'>> &
    Optional<'idempotencyKey', 'Idempotency-Key' extends keyof Header<Op> ? string : never> & {
      /** further headers, such as `X-Request-Id`, or `Prefer` for the mock */
      headers?: Record<string, string> | undefined
      /** aborts the call, including retries and waits */
      signal?: AbortSignal | undefined
    }
>
type Flat<Parts> = { [Name in keyof Parts]: Parts[Name] }
export type Arguments<In, Further = unknown> = Nothing extends In ? [input?: In & Further] : [input: In & Further]

type Responses<Op extends OperationId> = operations[Op]['responses']
type Status<Op extends OperationId, Class extends number> = {
  [S in keyof Responses<Op>]: `${S & number}` extends `${Class}${string}` ? S : never
}[keyof Responses<Op>]

export type Success<Op extends OperationId> = {
  [S in Status<Op, 2>]: {
    ok: true
    status: S
    data: Responses<Op>[S] extends { content: infer Media } ? Media[keyof Media] : undefined
    etag: Responses<Op>[S] extends { headers: { ETag: string } } ? string : undefined
    response: Response
  }
}[Status<Op, 2>]
export type Failure<Op extends OperationId> = {
  [S in Status<Op, 4 | 5>]: { ok: false; status: S; problem: Problem; response: Response }
}[Status<Op, 4 | 5>]
/** Nothing has changed since the ETag in `ifNoneMatch`. */
export type NotModified = { ok: true; status: 304; data: undefined; etag: string; response: Response }

/** The result of a call; `ok` and `status` narrow it. 304 is possible only with `ifNoneMatch`. */
export type Result<Op extends OperationId, Sent = undefined> =
  | Success<Op>
  | Failure<Op>
  | (304 extends keyof Responses<Op> ? (Sent extends undefined ? never : NotModified) : never)

export type Call<Op extends OperationId> = 304 extends keyof Responses<Op>
  ? <Sent extends Tag | undefined = undefined>(...input: Arguments<Input<Op>, { ifNoneMatch?: Sent }>) => Promise<Result<Op, Sent>>
  : (...input: Arguments<Input<Op>>) => Promise<Result<Op>>

/** The operations with pages. The list of changes has no last one: `changes` reads its pages. */
export type Listing = {
  [Op in OperationId]: Success<Op> extends { data: { items: unknown[]; nextCursor: string | null } } ? Exclude<Op, 'listChanges'> : never
}[OperationId]
/** `reset`: this is the first page of a snapshot, so what you have counts no more. */
export type Changes = Schemas['ChangePage'] & { reset: boolean }
export type ChangesInput = Pick<Input<'listChanges'>, 'headers' | 'signal'> & {
  /** the `nextCursor` that you have kept; without it you get a snapshot */
  cursor?: string | undefined
  /** the maximum number of items on a page, 1 to 100 */
  limit?: number | undefined
}
export type Item<Op extends Listing> = Success<Op> extends { data: { items: (infer One)[] } } ? One : never
