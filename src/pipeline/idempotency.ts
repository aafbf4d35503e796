// Operations that declare the header Idempotency-Key take effect once for each key: the first reply is stored in the transaction that has the
// effect, and a repeated request gets it again. Only replies of success are stored. A request that fails changes nothing, so it may be
// repeated, or corrected, under the same key.
import {
  type KeptReply,
  type KeyedRequest,
  keyHash,
  keyReused,
  parseKey,
  type Replies,
  requestHash,
  type Stored,
} from '../contract/idempotency-key.ts'
import { Problem } from '../contract/problem.ts'
import type { AnyReply } from '../contract/types.ts'

type Call = { owner: string | undefined; path: object; query: object; headers: Record<string, string | undefined>; body: unknown }
type Handle = (call: object) => Promise<AnyReply>

export const keyHeader = 'idempotency-key'
const maxReplyBytes = 16 * 1024 * 1024 // more than a batch of 200 tasks with the longest texts has

/**
 * The handler of an operation, for requests with and without a key. If it `isIdempotent` by itself, repeating it changes nothing, so its
 * reply is stored afterwards without a transaction: it may take longer than one can.
 */
export function createIdempotent(operation: string, handle: Handle, replies: Replies, isIdempotent = false): Handle {
  return async call => {
    const { owner, headers, path, query, body } = call as Call
    const header = headers[keyHeader]
    if (header === undefined || owner === undefined) return handle(call)
    // `me` is the owner. A body that is no JSON is not compared, because the handler reads it.
    const content = { path: { ...path, userId: null }, query, body: isUpload(body) ? body.type : body }
    const request = { owner, operation, keyHash: keyHash(parseKey(header)), requestHash: requestHash(content) }
    const claimed = await replies.claim(request)
    const reply = replayed(claimed)
    if (reply !== undefined) return reply
    try {
      if (isIdempotent) return await stored(request, await handle(call))
      return await replies.transaction(() => execute(request, claimed !== undefined, () => handle(call)))
    } catch (error) {
      // Rows of refused requests would come together for a day.
      if (error instanceof Problem && error.status < 500 && error.kind !== 'in-flight') await replies.release(request)
      throw error
    }
  }

  /** The first reply to be stored is the one for all: another request with the key may have been executed at the same time. */
  async function stored(request: KeyedRequest, reply: AnyReply): Promise<AnyReply> {
    if (await replies.keep(request, reply.status, keptForm(reply))) return reply
    return replayed(await replies.claim(request)) ?? reply
  }

  async function execute(request: KeyedRequest, hasAccount: boolean, handleIt: () => Promise<AnyReply>): Promise<AnyReply> {
    const locked = await replies.lock(request)
    if (hasAccount && locked === undefined) throw inFlight()
    const reply = replayed(locked)
    if (reply !== undefined) return reply
    const first = await handleIt()
    const isKept = await replies.keep(request, first.status, keptForm(first))
    // Without an account before, no row could be locked. The account may have been made since, by this request or by another.
    if (!isKept && (await replies.claim(request)) !== undefined) throw inFlight()
    return first
  }
}

/** The stored reply; undefined if there is none. Throws 422 if it is the reply to another request. */
function replayed(stored: Stored | undefined): AnyReply | undefined {
  if (stored === undefined || stored.status === null || stored.reply === null) return undefined
  if (!stored.isSame) throw keyReused()
  const { headers, body } = stored.reply
  const content = body === null ? {} : { type: 'application/json', body }
  return { status: stored.status, headers: { ...headers, 'Idempotency-Replayed': 'true' }, ...content }
}

/** As text, so that a repeated request gets the same bytes. */
function keptForm({ headers = {}, type, body }: AnyReply): KeptReply {
  if (type !== undefined) throw new Error('only a reply in JSON can be stored')
  const text = body === undefined ? null : JSON.stringify(body)
  if (text !== null && Buffer.byteLength(text) > maxReplyBytes) throw new Error('the reply is too large to be stored')
  return { headers, body: text }
}

const inFlight = () => new Problem('in-flight', { headers: { 'Retry-After': '1' } })

const isUpload = (body: unknown): body is { type: string } => typeof body === 'object' && body !== null && 'chunks' in body
