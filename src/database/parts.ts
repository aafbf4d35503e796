// Changes within a transaction see the same now(). The place of each among them tells their instants apart.
import { AsyncLocalStorage } from 'node:async_hooks'

type Work<Result> = () => Promise<Result>
type Parts = { next: number; isOne: boolean }

export type Place = {
  /** how many changes of the transaction came before */
  place: number
  /** whether all of them are one change, of which this is a part */
  isPart: boolean
}

export function createParts() {
  const parts = new AsyncLocalStorage<Parts>()

  return {
    /** Does the work of a transaction. */
    each: <Result>(work: Work<Result>) => parts.run({ next: 0, isOne: false }, work),
    /** Does work of a transaction whose changes are one. */
    asOne: <Result>(work: Work<Result>) => parts.run({ next: parts.getStore()?.next ?? 0, isOne: true }, work),
    isPart: () => parts.getStore()?.isOne === true,
    /** The place of a change that takes as many; undefined outside of transactions. */
    take(count: number): Place | undefined {
      const all = parts.getStore()
      if (all === undefined) return undefined
      const place = all.next
      all.next += count
      return { place, isPart: all.isOne }
    },
  }
}
