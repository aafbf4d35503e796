/** No answer came in time. */
export class Silence extends Error {
  override name = 'Silence'
}

/**
 * Rejects with `Silence` when an answer doesn't come within so many ms. For one answer after the other, as a connection has them:
 * a single timer serves them all, where one for each would cost as much as sending a small statement.
 */
export function watch(ms: number): <Answer>(answer: Promise<Answer>) => Promise<Answer> {
  type Waiting = { since: number; reject: (error: Silence) => void }
  let waiting: Waiting | undefined
  let timer: NodeJS.Timeout | undefined

  function look() {
    timer = undefined
    if (waiting === undefined) return
    const left = waiting.since + ms - performance.now()
    if (left > 0) timer = setTimeout(look, left).unref()
    else setImmediate(giveUp, waiting) // when it was the process that was busy, the answer is there and is read first
  }

  function giveUp(late: Waiting) {
    if (late === waiting) late.reject(new Silence(`no answer in ${ms} ms`))
  }

  return answer =>
    new Promise((resolve, reject) => {
      waiting = { since: performance.now(), reject }
      if (timer === undefined) timer = setTimeout(look, ms).unref()
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
