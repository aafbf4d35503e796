// Why a token is refused: jose's errors as problems.
import { errors } from 'jose'
import { Problem } from '../contract/problem.ts'
import { KeyUnusable } from './key-set.ts'

export const remedy = 'Get a new one from your identity provider.'

const notVerified = `The token can't be verified. ${remedy}`
// By the code of the error. An error without an entry is not the fault of the token, but a bug of this server.
const reasons: Record<string, string> = {
  ERR_JOSE_ALG_NOT_ALLOWED: `The token is signed with an algorithm that is not accepted here. ${remedy}`,
  ERR_JOSE_NOT_SUPPORTED: notVerified, // a critical extension
  ERR_JWKS_NO_MATCHING_KEY: `The token is signed with a key that is not accepted here. ${remedy}`,
  ERR_JWS_INVALID: notVerified,
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: notVerified,
  ERR_JWT_EXPIRED: `The token has expired. ${remedy}`,
  ERR_JWT_INVALID: notVerified,
}

/** Throws the problem for an error of a verification. */
export function refuse(error: unknown, issuers: readonly string[]): never {
  if (!(error instanceof errors.JOSEError)) throw error
  const reason =
    error instanceof errors.JWTClaimValidationFailed
      ? claimReason(error, issuers)
      : error instanceof KeyUnusable
        ? `The token is signed with a key of the identity provider that ${error.reason}. It can't be used here.`
        : reasons[error.code]
  if (reason === undefined) throw error
  throw unauthenticated(reason, error)
}

/** A 401. Without `detail` there was no token at all, so the challenge names no error (RFC 6750, section 3.1). */
export function unauthenticated(detail?: string, cause?: unknown): Problem {
  const challenge = detail === undefined ? 'Bearer' : 'Bearer error="invalid_token"'
  return new Problem('unauthenticated', { ...(detail !== undefined && { detail }), cause, headers: { 'WWW-Authenticate': challenge } })
}

function claimReason({ claim, reason, payload }: errors.JWTClaimValidationFailed, issuers: readonly string[]): string {
  if (claim === 'nbf') return 'The token is not valid yet. Wait until the time in its claim "nbf".'
  if (reason === 'missing') return `The token's claim "${claim}" is missing. ${remedy}`
  const { iss } = payload
  if (claim === 'iss' && issuers.some(issuer => issuer === `${iss}/` || iss === `${issuer}/`))
    return 'The token\'s claim "iss" and the accepted one differ only by the slash at the end. AUTH_ISSUER must be exactly the claim.'
  return `The token's claim "${claim}" has a value that is not accepted here. ${remedy}`
}
