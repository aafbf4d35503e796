import type { components } from '../../generated/api.ts'
import { type FieldError, invalid, Problem, unavailable } from '../contract/problem.ts'
import type { AnyReply, Call, Handlers, Unjudged } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { createBatch, type Operation } from '../domain/batch.ts'
import { createOneRevision, createRevision } from '../domain/revision.ts'
import { type Conditional, isConditional, requireAllowed } from '../resource/etag.ts'

type Result = components['schemas']['BatchResult']
type Batch = Call<'runBatch'>

const maxErrors = 100
const maxMs = 20_000 // of operations that take effect one by one: an idle connection is closed after 40 s
/** The operations whose conditions are about the account. */
const onAccount: Operation['operationId'][] = ['createTask', 'createCategory', 'restoreFromTrash']

export function createBatchHandlers(db: Database) {
  const execute = createBatch(db)
  const currentRevision = createRevision(db)
  const bumpOnce = createOneRevision(db)

  /** Each operation takes effect for itself. When the server is unavailable, the rest is not executed. */
  async function separately(call: Batch): Promise<Result[]> {
    const { owner, headers, body } = call
    if (isConditional(headers)) requireAllowed(headers, { revision: await currentRevision(owner) })
    const results: Result[] = []
    let over: Problem | undefined
    let hasEffect = false
    const end = performance.now() + maxMs
    await execute(call, body.operations, {
      request(index) {
        if (performance.now() > end) over ??= unavailable('The batch took too long.')
        if (over !== undefined) throw notExecuted(over)
        return requestOf(call, index)
      },
      replied(index, reply) {
        hasEffect = true
        results[index] = resultOf(reply)
      },
      refused(index, problem) {
        if (problem.status >= 500 && !hasEffect) throw problem
        if (problem.status >= 500) over ??= problem
        results[index] = { status: problem.status, etag: problem.headers.ETag ?? null, body: null, problem: call.describe(problem) }
      },
      isOver: () => over !== undefined,
    })
    return results
  }

  /** All operations take effect or none, in one revision. */
  async function atOnce(call: Batch): Promise<Result[]> {
    const { owner, claims, headers, body } = call
    requireValid(call)
    return db.asOne(async () => {
      const revision = await bumpOnce(owner, claims)
      requireAllowed(headers, { revision })
      const results: Result[] = []
      await execute(call, body.operations, {
        request(index) {
          const request = requestOf(call, index)
          if (!onAccount.includes((body.operations[index] as Operation).operationId)) return request
          requireAllowed(request.headers, { revision })
          return { ...request, headers: {} }
        },
        replied(index, reply) {
          results[index] = resultOf(reply)
        },
        refused(index, problem) {
          throw problem.status >= 500 ? problem : refusal(index, body.operations[index] as Operation, problem)
        },
        isOver: () => false,
      })
      return results
    })
  }

  return {
    async runBatch(call) {
      return { status: 200, body: { results: await (call.body.atomic ? atOnce(call) : separately(call)) } }
    },
  } satisfies Partial<Handlers>
}

function requestOf({ owner, claims, body }: Batch, index: number): Unjudged & { headers: Conditional } {
  const { path, body: own, ifMatch, ifNoneMatch } = body.operations[index] as Operation
  const conditions = {
    ...(ifMatch !== undefined && { 'if-match': ifMatch }),
    ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
  }
  return { owner, claims, path: { userId: 'me', ...path }, headers: conditions, body: own }
}

function resultOf({ status, headers = {}, body = null }: AnyReply): Result {
  return { status, etag: (headers.ETag as string | undefined) ?? null, body: body as Result['body'], problem: null }
}

/** Throws 422 with the errors of all operations. */
function requireValid(call: Batch): void {
  const errors = call.body.operations.flatMap((operation, index) => {
    try {
      call.operations.judged(operation.operationId, requestOf(call, index))
      return []
    } catch (error) {
      if (error instanceof Problem && error.kind === 'invalid-request') return placed(index, error.errors)
      throw error
    }
  })
  if (errors.length > 0) throw invalid(...errors.slice(0, maxErrors))
}

function refusal(index: number, { operationId }: Operation, { kind, message, errors, cause }: Problem): Problem {
  const detail = `Operation ${index} (${operationId}) was refused, and nothing was changed: ${message}`
  return new Problem(kind, { detail, errors: placed(index, errors), cause })
}

const members = { '/if-match': '/ifMatch', '/if-none-match': '/ifNoneMatch' } as Record<string, string>

/** Errors of an operation as errors of the batch. */
function placed(index: number, errors: FieldError[]): FieldError[] {
  return errors.map(({ pointer, location, ...error }) => {
    const member = location === 'header' ? (members[pointer] ?? pointer) : `/${location}${pointer}`
    return { pointer: `/operations/${index}${member}`, location: 'body', ...error }
  })
}

const notExecuted = (cause: Problem) =>
  unavailable('The operation was not executed, because an earlier one failed or the batch took too long. Send it again shortly.', cause)
