import { createSemaphore } from './semaphore.ts'

const slowAfterMs = 50

/** Takes a place: resolves with the function that gives it back, which may be called again. Rejects as a semaphore does. */
export type Places = (deadline: number) => Promise<() => void>

/**
 * Places for few holders, so that many callers wait and share what comes next. A slow holder must not hold up the others: after 50 ms it
 * no longer counts, while there are at most so many `slow` ones.
 */
export function createPlaces(few: number, slow: number): Places {
  const places = createSemaphore(few)
  let slowPlaces = slow

  return async deadline => {
    await places.acquire(deadline)
    let giveBack = () => places.release()
    const timer = setTimeout(() => {
      if (slowPlaces <= 0) return
      slowPlaces -= 1
      places.release()
      giveBack = () => {
        slowPlaces += 1
      }
    }, slowAfterMs)
    return () => {
      clearTimeout(timer)
      giveBack()
      giveBack = () => {}
    }
  }
}
