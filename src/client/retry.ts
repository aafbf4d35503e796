type Fetch = (request: Request) => Promise<Response>

export type Patience = {
  /** how often a request is sent at most, 3 unless said otherwise; 1 never repeats */
  tries?: number | undefined
  /** milliseconds, 10 000 unless said otherwise; a server that asks for a longer wait is not tried again */
  maxWait?: number | undefined
}

// Safe or idempotent (RFC 9110, 9.2). POST and PATCH are not: what they did before the answer was lost can't be known.
const repeatable = ['GET', 'HEAD', 'PUT', 'DELETE']

/** Sends again what may be sent twice, when the network fails or the server is too busy (429) or away (503). */
export function retrying(fetch: Fetch, { tries = 3, maxWait = 10_000 }: Patience): Fetch {
  return async request => {
    const last = repeatable.includes(request.method) ? tries : 1
    for (let attempt = 1; attempt < last; attempt++) {
      // What failed because the signal ended it ends in the pause.
      const response = await fetch(request.clone()).catch(() => undefined)
      if (response && response.status !== 429 && response.status !== 503) return response
      const wait = asked(response) ?? Math.min(100 * 2 ** attempt, maxWait)
      if (response && wait > maxWait) return response
      // A connection whose answer nobody reads is not free for the next one.
      await response?.body?.cancel().catch(() => undefined)
      // Not all clients of a server that comes back at the same moment.
      await pause(wait * (1 + Math.random() / 4), request.signal)
    }
    return fetch(request)
  }
}

/** Retry-After in milliseconds: seconds or a date (RFC 9110, 10.2.3). */
function asked(response: Response | undefined): number | undefined {
  const value = response?.headers.get('retry-after')
  if (!value) return undefined
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isNaN(wait) ? undefined : Math.max(wait, 0)
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}
