// The key server of an identity provider: fetches its key set, and says what is wrong with its reply.

const timeoutMs = 2_000
const maxBytes = 1024 * 1024 // of the reply, after decompression
const wrongAddress = 'Check AUTH_JWKS_URL: the provider names its key set as "jwks_uri" in /.well-known/openid-configuration.'
const theirError = 'The key server has an error. The server asks again by itself.'

/** `finding` says what happened, without a subject. `remedy` is for the operator. */
export class KeyServerError extends Error {
  override name = 'KeyServerError'
  readonly code: string
  readonly finding: string
  readonly remedy: string

  constructor(code: string, finding: string, remedy: string, cause?: unknown) {
    super(`The key server ${finding}. ${remedy}`, { cause })
    this.code = code
    this.finding = finding
    this.remedy = remedy
  }
}

/** The keys of the set as they are: each may be anything. Throws a KeyServerError. */
export async function fetchKeys(url: string): Promise<unknown[]> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs), headers: { accept: mediaTypes } })
    if (response.status !== 200) throw await refused(response, url)
    return parse(await read(response), response)
  } catch (error) {
    throw error instanceof KeyServerError ? error : unreachable(error)
  }
}

const mediaTypes = 'application/json, application/jwk-set+json'

/** A redirect is not followed: the address in the settings decides which keys are trusted. */
async function refused({ status, headers, body }: Response, url: string): Promise<KeyServerError> {
  await body?.cancel()
  const code = `HTTP_${status}`
  if (status >= 500 || status === 429) return new KeyServerError(code, `answers ${status}`, theirError)
  const location = headers.get('location')
  const target = status < 400 && location !== null ? URL.parse(location, url) : null
  if (target === null) return new KeyServerError(code, `answers ${status}`, wrongAddress)
  const { hostname, origin, pathname } = target
  const place = `${origin}${pathname}` // a query could be a secret
  if (hostname !== new URL(url).hostname)
    return new KeyServerError(code, `answers ${status} and redirects to another site, ${place}`, wrongAddress)
  return new KeyServerError(code, `answers ${status} and redirects to ${place}`, `Set AUTH_JWKS_URL to ${place}.`)
}

async function read({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxBytes) throw new KeyServerError('TOO_LARGE', 'sends more than 1 MiB', wrongAddress)
  }
  return new TextDecoder().decode(Buffer.concat(chunks)) // without a byte order mark
}

function parse(text: string, { headers }: Response): unknown[] {
  let set: { keys?: unknown } | null
  try {
    set = JSON.parse(text)
  } catch (cause) {
    const type = /^[\w.+-]+\/[\w.+-]+/.exec(headers.get('content-type') ?? '')?.[0]
    throw new KeyServerError('NOT_JSON', `sends no JSON${type === undefined ? '' : `, but ${type}`}`, wrongAddress, cause)
  }
  const isObject = (each: unknown) => typeof each === 'object' && each !== null
  if (!Array.isArray(set?.keys) || (set.keys.length > 0 && !set.keys.some(isObject)))
    throw new KeyServerError('NO_KEY_SET', 'sends JSON that is no key set', wrongAddress)
  if (set.keys.length === 0) throw new KeyServerError('NO_KEYS', 'sends an empty key set', theirError)
  return set.keys
}

function unreachable(error: unknown): KeyServerError {
  const remedy = 'Check AUTH_JWKS_URL, the network between this machine and the key server, HTTP_PROXY, HTTPS_PROXY and NO_PROXY.'
  if (error instanceof Error && error.name === 'TimeoutError')
    return new KeyServerError('TIMEOUT', `does not answer within ${timeoutMs / 1000} s`, remedy, error)
  const causes: NodeJS.ErrnoException[] = []
  for (let cause = error; cause instanceof Error; cause = cause.cause) causes.push(cause)
  const refusal = causes
    .map(({ message }) => /^Proxy (?:response|Authentication Required) \((\d+)\)/.exec(message)?.[1])
    .find(each => each !== undefined)
  if (refusal !== undefined) return proxyError(refusal, error) // undici has no code for it
  const code = causes.findLast(cause => typeof cause.code === 'string')?.code
  return new KeyServerError(code ?? 'UNREACHABLE', `is not reachable (${code ?? causes.at(-1)?.message})`, remedy, error)
}

function proxyError(status: string, cause: unknown): KeyServerError {
  const remedy = 'Check HTTP_PROXY and HTTPS_PROXY, their user and password, and whether the proxy allows the key server.'
  return new KeyServerError(`PROXY_${status}`, `is behind a proxy that answers ${status}`, remedy, cause)
}
