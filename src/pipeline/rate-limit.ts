// Requests a minute: of a caller to read, of a caller to write, of an address without a valid token. The only file that knows
// rate-limiter-flexible.
import { createHash } from 'node:crypto'
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import type { LimitsConfig } from '../config/config.ts'
import { Problem } from '../contract/problem.ts'
import type { Database } from '../database/database.ts'

export type Budget = 'reads' | 'writes' | 'address'
/** Counts a request of the caller or address. Resolves with the headers that say what is left; throws `too-many-requests` when nothing is. */
export type RateLimit = (budget: Budget, key: string) => Promise<Record<string, string>>

const periodSeconds = 60
const storeTimeoutMs = 250 // of the shared counters: after it this process counts alone for the moment

/** Reads and writes are counted apart, so that a script that writes without end doesn't lock its user out. */
export function createRateLimit({ perMinute, shared }: LimitsConfig, db: Database): RateLimit {
  if (perMinute === 0) return async () => ({})
  const counters = { reads: createCounter('reads'), writes: createCounter('writes'), address: createCounter('address') }

  return async (budget, key) => {
    const policy = { 'RateLimit-Policy': `"${budget}";q=${perMinute};w=${periodSeconds}` }
    try {
      const { remainingPoints, msBeforeNext } = await counters[budget].consume(shared ? digest(key) : key)
      return { ...policy, RateLimit: `"${budget}";r=${remainingPoints};t=${seconds(msBeforeNext)}` }
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error
      const wait = seconds(error.msBeforeNext)
      const requests = budget === 'address' ? 'requests without a valid token' : budget
      throw new Problem('too-many-requests', {
        detail: `There were more than ${perMinute} ${requests} in a minute. Try again in ${wait} seconds.`,
        headers: { ...policy, RateLimit: `"${budget}";r=0;t=${wait}`, 'Retry-After': String(wait) },
      })
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
