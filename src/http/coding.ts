// The coding of a body that is the same for every caller, and whether the client has that body already.
import type { IncomingHttpHeaders } from 'node:http'
import { namesStrongly, namesWeakly } from '../contract/entity-tags.ts'
import { Problem } from '../contract/problem.ts'
import type { AnyReply, Codings } from '../contract/types.ts'

// CORS adds `Origin` to Vary of other replies. These ones may be stored, also when no page of another origin asked.
const Vary = 'Accept-Encoding, Origin'

/** Each coding has an ETag of its own (RFC 9110, section 8.8.3.3), so the conditions are evaluated when the coding is known. */
export async function encoded(reply: AnyReply, requested: IncomingHttpHeaders): Promise<AnyReply> {
  const coding = preferred(requested['accept-encoding'], reply.codings as Codings)
  const tag = reply.headers?.ETag as string
  const ETag = coding === undefined ? tag : tag.replace(/"$/, `-${coding}"`)
  const headers = { ...reply.headers, ETag, Vary }
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = requested
  if (ifMatch !== undefined && !namesStrongly(ifMatch, ETag))
    throw new Problem('precondition-failed', { detail: `The current ETag is ${ETag}.` })
  if (ifNoneMatch !== undefined && namesWeakly(ifNoneMatch, ETag)) return { status: 304, headers }
  if (coding === undefined) return { ...reply, headers }
  const body = await reply.codings?.[coding]?.()
  return { ...reply, headers: { ...headers, 'Content-Encoding': coding }, body }
}

/** The coding with the highest weight, the shorter one of equals (RFC 9110, section 12.5.3); undefined for the body as it is. */
function preferred(header: string | undefined, codings: Codings): keyof Codings | undefined {
  const weights = new Map((header ?? '').toLowerCase().split(',').map(weight))
  const offered = (['br', 'gzip'] as const).filter(coding => codings[coding] !== undefined)
  let best: keyof Codings | undefined
  let highest = weights.get('identity') ?? 0
  for (const coding of offered) {
    const own = weights.get(coding) ?? weights.get('*') ?? 0
    if (own > 0 && (best === undefined ? own >= highest : own > highest)) [best, highest] = [coding, own]
  }
  return best
}

function weight(part: string): [coding: string, weight: number] {
  const [, coding = '', q = '1'] = /^\s*([^;\s]+)\s*(?:;\s*q=([\d.]+)\s*)?$/.exec(part) ?? []
  return [coding, Number(q)]
}
