// Who is asking: bearer JWTs of any issuer. The only file that knows jose.
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTHeaderParameters, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import type { AuthConfig } from './config.ts'
import { Problem, unavailable } from './problem.ts'

/** What the token says about its person, beside who it is. */
export type Claims = { email: string | null; name: string | null }
export type Caller = { id: string; claims: Claims }

const remembered = 10_000 // verified tokens, about 10 MB
const tolerance = 5 // seconds that clocks may differ

/**
 * Turns an Authorization header into its caller.
 * The function throws `unauthenticated` for whatever is not a valid token, `unavailable` when the key server is needed and away.
 */
export function authenticator(config: AuthConfig): (authorization: string | undefined) => Promise<Caller> {
  const keys = resolver(config)
  const options = {
    algorithms: [...config.algorithms],
    requiredClaims: ['sub', 'exp'],
    clockTolerance: tolerance,
    ...(config.issuer !== null && { issuer: config.issuer }),
    ...(config.audience !== null && { audience: config.audience }),
  }
  // A verification costs more than all the rest of a small request, so a verified token is known by its text until it expires.
  const known = new Map<string, { caller: Caller; until: number }>()

  return async authorization => {
    const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+) *$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) throw unauthenticated(authorization === undefined ? undefined : 'The Authorization header has no bearer JWT.')

    const hit = known.get(token)
    if (hit !== undefined && hit.until > Date.now()) return hit.caller

    const { payload } = await jwtVerify(token, keys, options).catch(error => {
      throw error instanceof Problem ? error : unauthenticated(reason(error), error)
    })
    const caller = { id: subject(payload), claims: { email: words(payload.email, 320), name: words(payload.name, 200) } }
    known.delete(token)
    known.set(token, { caller, until: ((payload.exp as number) + tolerance) * 1000 })
    if (known.size > remembered) known.delete(known.keys().next().value as string)
    return caller
  }
}

/** A token under the shared secret, for development and tests. `lifetime` is in seconds. */
export function issue(config: AuthConfig, { id, claims }: Caller, lifetime: number): Promise<string> {
  if (config.secret === null) throw new Error('Tokens can only be made with AUTH_SECRET or the development key.')
  const { email, name } = claims
  const token = new SignJWT({ ...(email !== null && { email }), ...(name !== null && { name }) })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(id)
    .setIssuedAt()
    .setExpirationTime(`${lifetime} s`)
  if (config.issuer !== null) token.setIssuer(config.issuer)
  if (config.audience !== null) token.setAudience(config.audience)
  return token.sign(new TextEncoder().encode(config.secret))
}

// The algorithm of the header only chooses between keys of different kinds; which algorithms count is the configuration's word.
function resolver({ secret, jwksUrl }: AuthConfig) {
  const shared = secret === null ? null : new TextEncoder().encode(secret)
  const remote = jwksUrl === null ? null : remoteKeys(new URL(jwksUrl))
  return async (header: JWTHeaderParameters) => {
    if (header.alg === 'HS256' && shared !== null) return shared
    if (remote !== null) return remote(header)
    throw new errors.JWKSNoMatchingKey()
  }
}

/** The keys of a JWKS, fetched when needed and again for an unknown `kid`, but no more often than every 30 seconds. */
function remoteKeys(url: URL) {
  const fetched = createRemoteJWKSet(url, { timeoutDuration: 2_000, cooldownDuration: 30_000, cacheMaxAge: 600_000 })
  return async (header: JWTHeaderParameters) => {
    try {
      return await fetched(header)
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error
      // The key server is away: go on with the keys that it gave last.
      const last = fetched.jwks()
      const away = unavailable('The key server of the identity provider did not answer. Try again shortly.', error)
      if (last === undefined) throw away
      return createLocalJWKSet(last)(header).catch(() => {
        throw away
      })
    }
  }
}

function unauthenticated(detail?: string, cause?: unknown): Problem {
  const challenge = detail === undefined ? 'Bearer' : 'Bearer error="invalid_token"'
  return new Problem('unauthenticated', { ...(detail !== undefined && { detail }), cause, headers: { 'WWW-Authenticate': challenge } })
}

function reason(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired. Get a new one from your identity provider.'
  if (error instanceof errors.JWTClaimValidationFailed) return `The token's claim "${error.claim}" is not accepted here.`
  if (error instanceof errors.JWKSNoMatchingKey) return 'The token is signed with a key that is not accepted here.'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'The token is signed with an algorithm that is not accepted here.'
  return 'The token does not verify.'
}

function subject({ sub }: JWTPayload): string {
  const id = words(sub, Number.POSITIVE_INFINITY)
  if (id === null || [...id].length > 255)
    throw unauthenticated('The token\'s claim "sub" must have 1 to 255 characters, none of them a control character.')
  return id
}

/** A claim as text that the database can hold, cut to its limit in characters; null where there is none. */
function words(claim: unknown, limit: number): string | null {
  if (typeof claim !== 'string' || claim === '' || !claim.isWellFormed() || /\p{Cc}/u.test(claim)) return null
  return claim.length <= limit ? claim : [...claim].slice(0, limit).join('')
}
