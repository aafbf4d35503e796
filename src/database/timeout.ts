/** No answer came in time. */
export class TimeoutError extends Error {
  override name = 'TimeoutError'
}

/**
 * Makes a function that rejects with a TimeoutError when an answer doesn't come within so many ms. It is for one answer after the other, as
 * a connection has them: a single timer serves them all. A timer for each answer would cost as much as sending a small statement.
 */
export function createTimeout(ms: number): <Answer>(answer: Promise<Answer>) => Promise<Answer> {
  type Waiting = { since: number; reject: (error: TimeoutError) => void }
  let waiting: Waiting | undefined
  let timer: NodeJS.Timeout | undefined

  function check() {
    timer = undefined
    if (waiting === undefined) return
    const left = waiting.since + ms - performance.now()
    if (left > 0) timer = setTimeout(check, left).unref()
    else setImmediate(giveUp, waiting) // if the process itself was busy, the answer is in the socket and is read first
  }

  function giveUp(late: Waiting) {
    if (late === waiting) late.reject(new TimeoutError(`no answer in ${ms} ms`))
  }

  return answer =>
    new Promise((resolve, reject) => {
      waiting = { since: performance.now(), reject }
      if (timer === undefined) timer = setTimeout(check, ms).unref()
      answer.then(
        value => {
          waiting = undefined
          resolve(value)
        },
        error => {
          waiting = undefined
          reject(error)
        },
      )
    })
}
