// What a verified token says: its type, its subject and the claims about its user.
import { errors, type JWTPayload } from 'jose'
import { isVisibleText } from '../contract/formats.ts'
import type { Claims } from '../contract/types.ts'
import { unauthenticated } from './refusals.ts'

/** A type like logout+jwt names another purpose (RFC 8725, section 3.11). Of these types only at+jwt is for access (RFC 9068). */
export function isAccessTokenType(type: string | undefined): boolean {
  return type === undefined || !/\+jwt$/i.test(type) || /^(application\/)?at\+jwt$/i.test(type)
}

/** The claim must be an accepted value, or a list with one (RFC 7519, section 4.1.3). Some providers use another claim than `aud`. */
export function checkAudience(payload: JWTPayload, claim: string, accepted: readonly string[]): void {
  const { [claim]: value } = payload
  if (value === undefined) throw new errors.JWTClaimValidationFailed(`"${claim}" is missing`, payload, claim, 'missing')
  const values: unknown[] = Array.isArray(value) ? value : [value]
  if (!accepted.some(each => values.includes(each)))
    throw new errors.JWTClaimValidationFailed(`"${claim}" is not accepted`, payload, claim, 'check_failed')
}

export function subject({ sub }: JWTPayload): string {
  if (!isText(sub) || [...sub].length > 255)
    throw unauthenticated('The token\'s claim "sub" must have 1 to 255 characters, none of them a control character.')
  if (sub.startsWith('~')) throw unauthenticated('The token\'s claim "sub" must not begin with "~": such ids are reserved for groups.')
  return sub
}

/** Cuts a long name to its limit, and omits one without a visible character. Omits a long email: a cut one is the address of a different user. */
export function claims({ email, name }: JWTPayload): Claims {
  const text = isText(name) ? [...name.trim()].slice(0, 200).join('') : ''
  return {
    email: isText(email) && [...email].length <= 320 ? email : null,
    name: isVisibleText(text) ? text : null,
  }
}

/** Whether a claim is text that the database can store. */
function isText(claim: unknown): claim is string {
  return typeof claim === 'string' && claim !== '' && claim.isWellFormed() && !/\p{Cc}/u.test(claim)
}
