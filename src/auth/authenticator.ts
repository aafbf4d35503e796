// Authentication by bearer JWTs of any issuer. Only this folder knows jose.
import { errors, type JWTVerifyResult, jwtVerify } from 'jose'
import type { AuthConfig } from '../config/auth.ts'
import type { Caller } from '../contract/types.ts'
import { checkAudience, claims, isAccessTokenType, subject } from './claims.ts'
import { withSynonyms } from './key-set.ts'
import { createKeyResolver, maxAgeMs, type Report, setBounded } from './keys.ts'
import { refuse, remedy, unauthenticated } from './refusals.ts'

const clockToleranceSeconds = 5
const maxCachedTokens = 10_000
const maxCachedTokenLength = 4_096 // characters: all cached tokens together stay below 50 MB

/**
 * Creates the function that turns an Authorization header into its caller.
 * The function throws `unauthenticated` without a valid token, and `unavailable` when it needs the key server and can't reach it.
 */
export function createAuthenticator(config: AuthConfig, report: Report = () => {}): (authorization: string | undefined) => Promise<Caller> {
  const { issuers, audiences, audienceClaim } = config
  const algorithms = withSynonyms(config.algorithms)
  const resolveKey = createKeyResolver({ ...config, algorithms }, report)
  const options = {
    algorithms,
    requiredClaims: ['sub', 'exp'],
    clockTolerance: clockToleranceSeconds,
    ...(issuers.length > 0 && { issuer: [...issuers] }),
  }
  // A verification costs more than the rest of a small request, so verified tokens are cached by their text. An entry expires
  // after `maxAgeMs`, so that a token does not outlive its withdrawn key, however far away its `exp` is.
  const cache = new Map<string, { caller: Caller; checkedUntil: number }>()

  return async authorization => {
    if (authorization === undefined) throw unauthenticated()
    const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+) *$/i.exec(authorization)?.[1]
    if (token === undefined) throw unauthenticated('The Authorization header has no bearer JWT. Send Authorization: Bearer <JWT>.')

    const cached = cache.get(token)
    if (cached !== undefined && Date.now() < cached.checkedUntil) return cached.caller

    const { payload, protectedHeader } = await verify(token).catch(error => refuse(error, issuers))
    if (!isAccessTokenType(protectedHeader.typ)) throw unauthenticated(`The token's type says that it is not an access token. ${remedy}`)
    const expiresAt = ((payload.exp as number) + clockToleranceSeconds) * 1000
    const caller = { id: subject(payload), claims: claims(payload), expiresAt }
    const checkedUntil = Math.min(expiresAt, Date.now() + maxAgeMs)
    if (token.length <= maxCachedTokenLength) setBounded(cache, maxCachedTokens, token, { caller, checkedUntil })
    return caller
  }

  async function verify(token: string): Promise<JWTVerifyResult> {
    const verified = await verifySignature(token)
    if (audiences.length > 0) checkAudience(verified.payload, audienceClaim, audiences)
    return verified
  }

  async function verifySignature(token: string): Promise<JWTVerifyResult> {
    try {
      return await jwtVerify(token, resolveKey, options)
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
      // The token does not name its key and several keys fit: try each of them.
      for await (const key of error) {
        const verified = await jwtVerify(token, key, options).catch(ignoreWrongSignature)
        if (verified !== undefined) return verified
      }
      throw new errors.JWSSignatureVerificationFailed()
    }
  }
}

function ignoreWrongSignature(error: unknown) {
  if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
}
