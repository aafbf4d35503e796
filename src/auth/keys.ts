// The keys that tokens are verified with: the shared secret and the key set of a key server.
import { errors, type JWTHeaderParameters } from 'jose'
import type { AuthConfig } from '../config/auth.ts'
import { type Problem, unavailable } from '../contract/problem.ts'
import { fetchKeys, KeyServerError } from './key-server.ts'
import { createKeySet, type KeySet, KeyUnusable, type UnusableKey } from './key-set.ts'

/** How long fetched keys and verified tokens are used before they are checked again. */
export const maxAgeMs = 600_000
const retryDelayMs = 1_000 // after a fetch that failed
const missingKeyTtlMs = 5_000 // a missing key is searched again after this time
const searchBurst = 10 // fetches for missing keys before they are limited to one per `missingKeyTtlMs`
const maxMissingKeys = 100

/** Is called when the key server begins to fail, and for each new key that is for tokens and can't be used. */
export type Report = (error: Error) => void
type Settings = Pick<AuthConfig, 'secret' | 'jwksUrl' | 'algorithms'>

/** The `alg` of a token only selects the kind of key. Which algorithms are accepted is up to the configuration. */
export function createKeyResolver({ secret, jwksUrl, algorithms }: Settings, report: Report) {
  const shared = secret === null ? null : new TextEncoder().encode(secret)
  const resolveRemote = jwksUrl === null ? null : createRemoteKeyResolver(jwksUrl, algorithms, report)
  return async (header: JWTHeaderParameters) => {
    if (header.alg === 'HS256' && shared !== null) return shared
    if (resolveRemote !== null) return resolveRemote(header)
    throw new errors.JWKSNoMatchingKey()
  }
}

/** Decides when to fetch the key set: neither a failing key server nor invented key ids cause a request for each token. */
function createRemoteKeyResolver(url: string, algorithms: readonly string[], report: Report) {
  const never = Number.POSITIVE_INFINITY
  const maySearch = createAllowance(searchBurst, missingKeyTtlMs)
  const missing = new Map<string, number>() // key name to the time of the last search
  let keys: KeySet | undefined
  let fetchedAt = -never // start of the fetch that returned the current keys
  let failure: { at: number; problem: Problem } | undefined
  let pending: Promise<void> | undefined

  return async (header: JWTHeaderParameters) => {
    const startedAt = performance.now()
    if (keys === undefined) await refresh()
    if (startedAt >= fetchedAt + maxAgeMs / 2) await renew(startedAt - fetchedAt)

    const name = `${header.alg} ${header.kid}`
    for (;;) {
      try {
        return await (keys as KeySet).find(header)
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
    pending ??= replaceKeys().finally(() => {
      pending = undefined
    })
    return pending
  }

  async function replaceKeys() {
    const startedAt = performance.now()
    try {
      const next = await createKeySet(await fetchKeys(url), algorithms)
      const isNew = ({ kid, algorithms }: UnusableKey) => algorithms.length > 0 && !keys?.unusable.some(known => known.kid === kid)
      for (const each of next.unusable.filter(isNew)) report(new KeyUnusable(each))
      keys = next
      fetchedAt = startedAt
      failure = undefined
    } catch (error) {
      if (failure === undefined) report(error as Error)
      if (error instanceof KeyServerError && error.code === 'NO_KEYS') keys = await createKeySet([], algorithms) // all are withdrawn
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
