// Requests a minute: of a caller to read, of a caller to write, of an address without a valid token. The only file that knows
// rate-limiter-flexible.
import { createHash } from 'node:crypto'
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import type { LimitsConfig } from '../config/config.ts'
import { Problem } from '../contract/problem.ts'
import type { Database } from '../database/database.ts'

export type Budget = 'reads' | 'writes' | 'address'
/**
 * Counts a request of the caller or address. Resolves with the headers that say what is left; throws `too-many-requests` when nothing is.
 * `more` counts a request that was counted already for so many further ones, or for none if not all of them are left.
 */
export type RateLimit = (budget: Budget, key: string, more?: number) => Promise<Record<string, string>>

const periodSeconds = 60
const storeTimeoutMs = 250 // of the shared counters: after it this process counts alone for the moment

/** Reads and writes are counted apart, so that a script that writes without end doesn't lock its user out. */
export function createRateLimit({ perMinute, shared }: LimitsConfig, db: Database): RateLimit {
  if (perMinute === 0) return async () => ({})
  const counters = { reads: createCounter('reads'), writes: createCounter('writes'), address: createCounter('address') }

  return async (budget, key, more) => {
    const policy = { 'RateLimit-Policy': `"${budget}";q=${perMinute};w=${periodSeconds}` }
    const id = shared ? digest(key) : key
    const refused = (detail: string, remaining: number, wait: number) =>
      new Problem('too-many-requests', {
        detail,
        headers: { ...policy, RateLimit: `"${budget}";r=${remaining};t=${wait}`, 'Retry-After': String(wait) },
      })
    const requests = budget === 'address' ? 'requests without a valid token' : budget
    if (more !== undefined) {
      const state = await counters[budget].get(id)
      const remaining = Math.max(state?.remainingPoints ?? perMinute - 1, 0)
      const wait = seconds(state?.msBeforeNext ?? 0)
      const size = `The request counts as ${more + 1} ${requests}`
      if (more >= perMinute) throw refused(`${size}, and a minute has ${perMinute}. Send it in several requests.`, remaining, wait)
      if (more > remaining) throw refused(`${size}, and ${remaining + 1} were left. Try again in ${wait} seconds.`, remaining, wait)
    }
    try {
      const { remainingPoints, msBeforeNext } = await counters[budget].consume(id, more ?? 1)
      return { ...policy, RateLimit: `"${budget}";r=${remainingPoints};t=${seconds(msBeforeNext)}` }
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error
      const wait = seconds(error.msBeforeNext)
      throw refused(`There were more than ${perMinute} ${requests} in a minute. Try again in ${wait} seconds.`, 0, wait)
    }
  }

  function createCounter(budget: Budget) {
    const memory = new RateLimiterMemory({ keyPrefix: budget, points: perMinute, duration: periodSeconds })
    if (!shared) return memory
    return new RateLimiterPostgres({
      keyPrefix: budget,
      points: perMinute,
      duration: periodSeconds,
      tableName: 'rate_limits',
      tableCreated: true, // by a migration
      storeType: 'client',
      storeClient: {
        query: async (statement: { text: string; values: unknown[] }) => ({ rows: await inTime(db.run('count request', statement)) }),
      },
      insuranceLimiter: memory,
      inMemoryBlockOnConsumed: perMinute + 1, // a key over its limit is refused without asking the store
    })
  }
}

const seconds = (ms: number) => Math.max(1, Math.ceil(ms / 1000))

/** The store needs to count keys, not to know them. */
const digest = (key: string) => createHash('sha256').update(key).digest('base64url')

function inTime<Rows>(answer: Promise<Rows>): Promise<Rows> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the shared counters did not answer in time')), storeTimeoutMs)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
