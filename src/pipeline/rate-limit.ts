// How much somebody may ask for: a person to read, a person to write, an address without a valid token. The only file that knows
// rate-limiter-flexible.
import { createHash } from 'node:crypto'
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import type { LimitsConfig } from '../config/config.ts'
import { Problem } from '../contract/problem.ts'
import type { Database } from '../database/database.ts'

export type Budget = 'reads' | 'writes' | 'address'
/** Counts a request of `who`. Answers with the headers that say what is left; throws `too-many-requests` when nothing is. */
export type Limits = (budget: Budget, who: string) => Promise<Record<string, string>>

const period = 60 // seconds
const patience = 250 // ms for the shared store: after it this process counts by itself for the moment

/** Reads and writes are counted apart, so that a script that writes without end doesn't lock its person out. */
export function limits({ perMinute, shared }: LimitsConfig, db: Database): Limits {
  if (perMinute === 0) return async () => ({})
  const counters = { reads: counter('reads'), writes: counter('writes'), address: counter('address') }

  return async (budget, who) => {
    const policy = { 'RateLimit-Policy': `"${budget}";q=${perMinute};w=${period}` }
    try {
      const { remainingPoints, msBeforeNext } = await counters[budget].consume(shared ? digest(who) : who)
      return { ...policy, RateLimit: `"${budget}";r=${remainingPoints};t=${seconds(msBeforeNext)}` }
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused
      const wait = seconds(refused.msBeforeNext)
      const what = budget === 'address' ? 'requests without a valid token' : budget
      throw new Problem('too-many-requests', {
        detail: `There were more than ${perMinute} ${what} in a minute. Try again in ${wait} seconds.`,
        headers: { ...policy, RateLimit: `"${budget}";r=0;t=${wait}`, 'Retry-After': String(wait) },
      })
    }
  }

  function counter(budget: Budget) {
    const memory = new RateLimiterMemory({ keyPrefix: budget, points: perMinute, duration: period })
    if (!shared) return memory
    return new RateLimiterPostgres({
      keyPrefix: budget,
      points: perMinute,
      duration: period,
      tableName: 'rate_limits',
      tableCreated: true, // by a migration
      storeType: 'client',
      storeClient: {
        query: async (statement: { text: string; values: unknown[] }) => ({ rows: await soon(db.run('count request', statement)) }),
      },
      insuranceLimiter: memory,
      inMemoryBlockOnConsumed: perMinute + 1, // who is over it is turned away without asking the store
    })
  }
}

const seconds = (ms: number) => Math.max(1, Math.ceil(ms / 1000))

/** The store is for counting: who it is that is counted it needn't know. */
const digest = (who: string) => createHash('sha256').update(who).digest('base64url')

function soon<Rows>(answer: Promise<Rows>): Promise<Rows> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the shared counters did not answer in time')), patience)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
