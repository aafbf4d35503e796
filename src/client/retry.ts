type Fetch = (request: Request) => Promise<Response>

export type RetryOptions = {
  /** maximum number of attempts, 3 by default; 1 switches retries off */
  tries?: number | undefined
  /** maximum wait in milliseconds, 10 000 by default; if Retry-After is longer, there is no retry */
  maxWait?: number | undefined
}

// Safe or idempotent methods (RFC 9110, section 9.2). PATCH may have taken effect before the reply was lost; so may POST, which the server
// executes once for each key.
const idempotent = ['GET', 'HEAD', 'PUT', 'DELETE']

const keyHeader = 'Idempotency-Key'

/** Retries idempotent requests, and POST with a key, after a network failure, 429 or 503. A POST without a key gets one. */
export function withRetries(fetch: Fetch, { tries = 3, maxWait = 10_000 }: RetryOptions): Fetch {
  return async request => {
    if (request.method === 'POST' && tries > 1 && !request.headers.has(keyHeader)) request.headers.set(keyHeader, quotedKey(randomKey()))
    const attempts = idempotent.includes(request.method) || request.headers.has(keyHeader) ? tries : 1
    for (let attempt = 1; attempt < attempts; attempt++) {
      // After an abort, `pause` throws the reason of the signal.
      const response = await fetch(request.clone()).catch(() => undefined)
      if (response && !isTemporary(response)) return response
      const wait = retryAfter(response) ?? Math.min(100 * 2 ** attempt, maxWait)
      if (response && wait > maxWait) return response
      // A connection with an unread reply is not free for the next request.
      await response?.body?.cancel().catch(() => undefined)
      // The random share keeps clients from retrying at the same moment after an outage.
      await pause(wait * (1 + Math.random() / 4), request.signal)
    }
    return fetch(request)
  }
}

/** A key as the header has it: a string of RFC 9651. */
export const quotedKey = (key: string): string => `"${key.replace(/["\\]/g, '\\$&')}"`

// Without `crypto.randomUUID`, which browsers have on secure pages only.
const randomKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')

/** 409 has Retry-After only while the first request with the same key is being executed. */
function isTemporary({ status, headers }: Response): boolean {
  return status === 429 || status === 503 || (status === 409 && headers.has('retry-after'))
}

/** Retry-After in milliseconds: seconds or a date (RFC 9110, section 10.2.3). */
export function retryAfter(response: Response | undefined): number | undefined {
  const value = response?.headers.get('retry-after')
  if (!value) return undefined
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isNaN(wait) ? undefined : Math.max(wait, 0)
}

/** Rejects with the reason of the signal when that is aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const abort = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort) // a signal may live as long as the app
      resolve()
    }, milliseconds)
    signal.addEventListener('abort', abort)
  })
}
