// The keys that tokens are verified with: the shared secret and the JWKS of a key server.
import { createRemoteJWKSet, customFetch, errors, type JWTHeaderParameters } from 'jose'
import type { AuthConfig } from '../config/auth.ts'
import { type Problem, unavailable } from '../contract/problem.ts'

/** How long fetched keys and verified tokens are used before they are checked again. */
export const maxAgeMs = 600_000
const fetchTimeoutMs = 2_000
const retryDelayMs = 1_000 // after a fetch that failed
const missingKeyTtlMs = 5_000 // a missing key is searched again after this time
const searchBurst = 10 // fetches for missing keys before they are limited to one per `missingKeyTtlMs`
const maxMissingKeys = 100
const maxResponseBytes = 1024 * 1024

/** The `alg` of a token only selects the kind of key. Which algorithms are accepted is up to the configuration. */
export function createKeyResolver({ secret, jwksUrl }: AuthConfig) {
  const shared = secret === null ? null : new TextEncoder().encode(secret)
  const resolveRemote = jwksUrl === null ? null : createRemoteKeyResolver(new URL(jwksUrl))
  return async (header: JWTHeaderParameters) => {
    if (header.alg === 'HS256' && shared !== null) return shared
    if (resolveRemote !== null) return resolveRemote(header)
    throw new errors.JWKSNoMatchingKey()
  }
}

/** Decides itself when to fetch the JWKS, because jose would ask a failing key server again for every token. */
function createRemoteKeyResolver(url: URL) {
  const never = Number.POSITIVE_INFINITY
  const caching = { timeoutDuration: fetchTimeoutMs, cooldownDuration: never, cacheMaxAge: never }
  const keys = createRemoteJWKSet(url, { ...caching, [customFetch]: fetchBounded })
  const maySearch = createAllowance(searchBurst, missingKeyTtlMs)
  const missing = new Map<string, number>() // key name to the time of the last search
  let fetchedAt = -never // start of the fetch that returned the current keys
  let failure: { at: number; problem: Problem } | undefined
  let pending: Promise<void> | undefined

  return async (header: JWTHeaderParameters) => {
    const startedAt = performance.now()
    if (fetchedAt === -never) await refresh()
    if (startedAt >= fetchedAt + maxAgeMs / 2) await renew(startedAt - fetchedAt)

    const name = `${header.alg} ${header.kid}`
    for (;;) {
      try {
        return await keys(header)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || startedAt < (missing.get(name) ?? -never) + missingKeyTtlMs) throw error
        // Only a fetch that began after the token arrived proves that the key is missing. An earlier one may have been too early.
        if (fetchedAt >= startedAt) {
          setBounded(missing, maxMissingKeys, name, startedAt)
          throw error
        }
        if (pending === undefined && !maySearch())
          throw unavailable('It is not known yet whether the key of this token exists. Try again shortly.', error, 5)
        await refresh()
      }
    }
  }

  function refresh() {
    if (failure !== undefined && performance.now() < failure.at + retryDelayMs) throw failure.problem
    pending ??= fetchKeys().finally(() => {
      pending = undefined
    })
    return pending
  }

  async function fetchKeys() {
    const startedAt = performance.now()
    try {
      await keys.reload()
      if (keys.jwks()?.keys.length === 0) throw new errors.JWKSInvalid('The JSON Web Key Set is empty')
      fetchedAt = startedAt
      failure = undefined
    } catch (error) {
      const problem = unavailable('The key server of the identity provider returned no keys. Try again shortly.', error)
      failure = { at: performance.now(), problem }
      throw problem
    }
  }

  /** Refreshes in the background from half of `maxAgeMs` on. Callers wait only if the keys are older than `maxAgeMs`. */
  async function renew(ageMs: number) {
    const refreshed = Promise.try(refresh).catch(() => {})
    if (ageMs >= maxAgeMs && failure === undefined) await refreshed
  }
}

/** Adds an entry as the newest one. Drops the oldest entry when there are more than `maxSize`. */
export function setBounded<Value>(map: Map<string, Value>, maxSize: number, key: string, value: Value) {
  map.delete(key)
  map.set(key, value)
  if (map.size > maxSize) map.delete(map.keys().next().value as string)
}

/** Allows a burst of `burst` calls, and then one more per `periodMs`. */
function createAllowance(burst: number, periodMs: number): () => boolean {
  let left = burst
  let updatedAt = performance.now()
  return () => {
    const now = performance.now()
    left = Math.min(burst, left + (now - updatedAt) / periodMs)
    updatedAt = now
    if (left < 1) return false
    left -= 1
    return true
  }
}

/** `fetch` with a limit for the size of the response, counted after decompression. */
async function fetchBounded(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, options)
  let size = 0
  const bounded = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.length
      if (size > maxResponseBytes) throw new Error('The key server sent more than 1 MiB')
      controller.enqueue(chunk)
    },
  })
  return new Response(response.body?.pipeThrough(bounded) ?? null, response)
}
