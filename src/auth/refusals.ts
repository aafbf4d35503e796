// Why a token is refused: jose's errors as problems.
import { errors } from 'jose'
import { Problem, unavailable } from '../contract/problem.ts'

export const remedy = 'Get a new one from your identity provider.'

/** Throws the problem for an error of a verification. An error that is not the token's fault is a 503, not a 401. */
export function refuse(error: unknown): never {
  if (error instanceof Problem) throw error
  if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSInvalid)) throw unauthenticated(reason(error), error)
  throw unavailable("The identity provider's key for this token can't be used. Try again shortly.", error)
}

/** A 401. Without `detail` there was no token at all, so the challenge names no error (RFC 6750, section 3.1). */
export function unauthenticated(detail?: string, cause?: unknown): Problem {
  const challenge = detail === undefined ? 'Bearer' : 'Bearer error="invalid_token"'
  return new Problem('unauthenticated', { ...(detail !== undefined && { detail }), cause, headers: { 'WWW-Authenticate': challenge } })
}

function reason(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return `The token has expired. ${remedy}`
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') return 'The token is not valid yet. Wait until the time in its claim "nbf".'
    return `The token's claim "${error.claim}" ${error.reason === 'missing' ? 'is missing' : 'has a value that is not accepted here'}. ${remedy}`
  }
  if (error instanceof errors.JWKSNoMatchingKey) return `The token is signed with a key that is not accepted here. ${remedy}`
  if (error instanceof errors.JOSEAlgNotAllowed) return `The token is signed with an algorithm that is not accepted here. ${remedy}`
  return `The token can't be verified. ${remedy}`
}
