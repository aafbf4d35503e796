// Who is asking: bearer JWTs of any issuer. The only file that knows jose.
import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWTHeaderParameters,
  type JWTPayload,
  type JWTVerifyResult,
  jwtVerify,
  SignJWT,
} from 'jose'
import type { AuthConfig } from '../config/config.ts'
import { Problem, unavailable } from '../contract/problem.ts'
import type { Caller, Claims } from '../contract/types.ts'

const tolerance = 5 // seconds that clocks may differ
const maxAge = 600_000 // ms that keys and verified tokens count before they are looked at again
const cooldown = 5_000 // ms after which a key that was looked for in vain may be there after all
const searches = 10 // fetches at once for the sake of keys that are not among them; one more after each `cooldown`
const unknown = 100 // keys looked for in vain that are remembered
const pause = 1_000 // ms that a key server which failed is left alone
const largest = 1024 * 1024 // bytes that it may answer with
const remembered = 10_000 // verified tokens
const longest = 4_096 // characters of a remembered token, so that all of them stay below 50 MB
const remedy = 'Get a new one from your identity provider.'

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
  // A verification costs more than all the rest of a small request, so a verified token is known by its text. It is verified
  // again now and then: a key that was withdrawn takes its tokens along, however long they were meant to live.
  const known = new Map<string, { caller: Caller; until: number }>()

  return async authorization => {
    if (authorization === undefined) throw unauthenticated()
    const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+) *$/i.exec(authorization)?.[1]
    if (token === undefined) throw unauthenticated('The Authorization header has no bearer JWT. Send Authorization: Bearer <JWT>.')

    const hit = known.get(token)
    if (hit !== undefined && Date.now() < hit.until) return hit.caller

    const { payload, protectedHeader } = await verify(token).catch(refuse)
    if (isForElse(protectedHeader.typ)) throw unauthenticated(`The token's type says that it is not for access. ${remedy}`)
    const caller = { id: subject(payload), claims: claims(payload) }
    const until = Math.min(((payload.exp as number) + tolerance) * 1000, Date.now() + maxAge)
    if (token.length <= longest) remember(known, remembered, token, { caller, until })
    return caller
  }

  async function verify(token: string): Promise<JWTVerifyResult> {
    try {
      return await jwtVerify(token, keys, options)
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
      // The token doesn't name its key, and several fit: one of them must have signed it.
      for await (const key of error) {
        const verified = await jwtVerify(token, key, options).catch(ifSignature)
        if (verified !== undefined) return verified
      }
      throw new errors.JWSSignatureVerificationFailed()
    }
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

/** The keys of a JWKS. When they are fetched is decided here: jose would ask a key server that fails again for every token. */
function remoteKeys(url: URL) {
  const never = Number.POSITIVE_INFINITY
  const keys = createRemoteJWKSet(url, { timeoutDuration: 2_000, cooldownDuration: never, cacheMaxAge: never, [customFetch]: fetchSmall })
  const may = allowance(searches, cooldown)
  const missing = new Map<string, number>() // keys that were looked for in vain, and when
  let fetched = -never // when the fetch began that gave the keys
  let failed: { at: number; problem: Problem } | undefined
  let pending: Promise<void> | undefined

  function refresh() {
    if (failed !== undefined && performance.now() < failed.at + pause) throw failed.problem
    pending ??= fetchKeys().finally(() => {
      pending = undefined
    })
    return pending
  }

  async function fetchKeys() {
    const began = performance.now()
    try {
      await keys.reload()
      if (keys.jwks()?.keys.length === 0) throw new errors.JWKSInvalid('The JSON Web Key Set is empty')
      fetched = began
      failed = undefined
    } catch (error) {
      const problem = unavailable('The key server of the identity provider gave no keys. Try again shortly.', error)
      failed = { at: performance.now(), problem }
      throw problem
    }
  }

  /** Keys that have come of age are fetched while the old ones go on; only after a long silence the first callers wait for it. */
  async function renew(age: number) {
    const refreshed = Promise.try(refresh).catch(() => {})
    if (age >= maxAge && failed === undefined) await refreshed
  }

  return async (header: JWTHeaderParameters) => {
    const asked = performance.now()
    if (fetched === -never) await refresh()
    if (asked >= fetched + maxAge / 2) await renew(asked - fetched)

    const name = `${header.alg} ${header.kid}`
    for (;;) {
      try {
        return await keys(header)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || asked < (missing.get(name) ?? -never) + cooldown) throw error
        // A fetch that began before the token came may have missed its key: then it's no proof that there is none.
        if (fetched >= asked) {
          remember(missing, unknown, name, asked)
          throw error
        }
        if (pending === undefined && !may()) throw unavailable('The key of this token is not known yet. Try again shortly.', error, 5)
        await refresh()
      }
    }
  }
}

/** Puts something in as the newest. Of more than `most` the oldest is forgotten. */
function remember<Value>(all: Map<string, Value>, most: number, name: string, value: Value) {
  all.delete(name)
  all.set(name, value)
  if (all.size > most) all.delete(all.keys().next().value as string)
}

/** Says yes `burst` times, and once more after each `period` of ms. */
function allowance(burst: number, period: number): () => boolean {
  let left = burst
  let since = performance.now()
  return () => {
    const now = performance.now()
    left = Math.min(burst, left + (now - since) / period)
    since = now
    if (left < 1) return false
    left -= 1
    return true
  }
}

/** Like fetch, but no answer makes more of itself than keys can be. */
async function fetchSmall(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, options)
  let size = 0
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, stream) {
      size += chunk.length
      if (size > largest) throw new Error('The key server sent too much')
      stream.enqueue(chunk)
    },
  })
  return new Response(response.body?.pipeThrough(counted) ?? null, response)
}

function ifSignature(error: unknown) {
  if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
}

/** What is not the token's fault is no 401. */
function refuse(error: unknown): never {
  if (error instanceof Problem) throw error
  if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSInvalid)) throw unauthenticated(reason(error), error)
  throw unavailable("The identity provider's key for this token can't be used. Try again shortly.", error)
}

function unauthenticated(detail?: string, cause?: unknown): Problem {
  const challenge = detail === undefined ? 'Bearer' : 'Bearer error="invalid_token"'
  return new Problem('unauthenticated', { ...(detail !== undefined && { detail }), cause, headers: { 'WWW-Authenticate': challenge } })
}

function reason(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return `The token has expired. ${remedy}`
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') return 'The token is not valid yet. Wait until the time in its claim "nbf".'
    return `The token's claim "${error.claim}" is ${error.reason === 'missing' ? 'missing' : 'not the right one for this server'}. ${remedy}`
  }
  if (error instanceof errors.JWKSNoMatchingKey) return `The token is signed with a key that is not accepted here. ${remedy}`
  if (error instanceof errors.JOSEAlgNotAllowed) return `The token is signed with an algorithm that is not accepted here. ${remedy}`
  return `The token does not verify. ${remedy}`
}

/** A type like logout+jwt says what a token is for (RFC 8725, section 3.11), and only at+jwt is for access (RFC 9068). Others say nothing. */
function isForElse(type: string | undefined): boolean {
  return type !== undefined && /\+jwt$/i.test(type) && !/^(application\/)?at\+jwt$/i.test(type)
}

function subject({ sub }: JWTPayload): string {
  if (!isText(sub) || [...sub].length > 255)
    throw unauthenticated('The token\'s claim "sub" must have 1 to 255 characters, none of them a control character.')
  return sub
}

/** A name is cut to its limit. An email is there whole or not at all: half of one is the address of somebody else. */
function claims({ email, name }: JWTPayload): Claims {
  return {
    email: isText(email) && [...email].length <= 320 ? email : null,
    name: (isText(name) && [...name.trim()].slice(0, 200).join('')) || null,
  }
}

/** Whether a claim is text that the database can hold. */
function isText(claim: unknown): claim is string {
  return typeof claim === 'string' && claim !== '' && claim.isWellFormed() && !/\p{Cc}/u.test(claim)
}
