// Places for the statements that callers share.
import { createSemaphore } from './semaphore.ts'

/** A place that is taken. */
export type Held = {
  /** The statement is sent: from now on it can become slow. */
  start: () => void
  /** Gives the place back. Further calls do nothing. */
  release: () => void
}
/** Waits for a place; rejects as a semaphore does. */
export type TakePlace = (deadline: number) => Promise<Held>

const slowAfterMs = 50

/**
 * How many shared statements are in flight. The fewer there are, the more callers share each: so there are two, or a fifth of a large pool.
 * Processes divide them, as they divide the callers. With slow ones there are `most`: transactions, which may have half of the pool, leave
 * a connection for other statements then.
 */
export function placesOf(poolSize: number, processes: number): { few: number; most: number } {
  const few = Math.max(1, Math.ceil(Math.min(poolSize - 1, Math.max(2, poolSize / 5)) / processes))
  return { few, most: Math.max(few, Math.ceil(poolSize / 2) - 1) }
}

/** A statement that takes longer than 50 ms no longer counts among the `few`, so that callers do not wait for a slow one of others. */
export function createPlaces({ few, most }: { few: number; most: number }): TakePlace {
  const all = createSemaphore(most)
  const quick = createSemaphore(few)

  return async deadline => {
    await all.acquire(deadline)
    await quick.acquire(deadline).catch(error => {
      all.release()
      throw error
    })
    const freeAll = once(all.release)
    const freeQuick = once(quick.release)
    let timer: NodeJS.Timeout | undefined
    return {
      start() {
        timer ??= setTimeout(freeQuick, slowAfterMs)
      },
      release() {
        clearTimeout(timer)
        freeQuick()
        freeAll()
      },
    }
  }
}

function once(work: () => void): () => void {
  let done = false
  return () => {
    if (!done) work()
    done = true
  }
}
