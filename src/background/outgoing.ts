// Requests to addresses that users have chosen. They never reach a private network, follow no redirect, and end within 15 seconds.
import { lookup, Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { hostOf, isPublicAddress } from '../contract/public-address.ts'

/** `status` is null without a reply. `error` is a code, such as TIMEOUT or ECONNREFUSED: a message could have the URL. */
export type Outcome = { status: number | null; error: string | null; durationMs: number }
/** Resolves with every address of a name. */
export type Resolve = (host: string, signal: AbortSignal) => Promise<string[]>
export type Outgoing = {
  /** Sends a body once. Rejects only if the signal aborts. */
  post: (url: string, headers: Record<string, string>, body: string, signal: AbortSignal) => Promise<Outcome>
}

type Options = {
  /** whether requests may go to private addresses too, for development */
  privateAddresses: boolean
  /** for tests */
  resolve?: Resolve
  isAllowed?: (address: string) => boolean
  timeoutMs?: number
}

class OutgoingError extends Error {
  readonly code: string

  constructor(code: string, cause?: unknown) {
    super(code, { cause })
    this.code = code
  }
}

const maxReplyBytes = 16 * 1024

export function createOutgoing(options: Options): Outgoing {
  const { privateAddresses, isAllowed = address => privateAddresses || isPublicAddress(address), timeoutMs = 15_000 } = options
  const { resolve = privateAddresses ? resolveLocally : resolvePublicly } = options

  return {
    async post(url, headers, body, signal) {
      signal.throwIfAborted()
      const startedAt = performance.now()
      const timeout = AbortSignal.timeout(timeoutMs)
      const limit = AbortSignal.any([signal, timeout])
      const ended = (status: number | null, error: string | null): Outcome => ({
        ...{ status, error, durationMs: Math.round(performance.now() - startedAt) },
      })
      let socket: Socket | undefined
      try {
        const target = new URL(url)
        socket = await open(target, limit)
        const reply = await send(socket, target, headers, body)
        await drain(reply)
        return ended(reply.statusCode as number, null)
      } catch (error) {
        signal.throwIfAborted()
        return ended(null, timeout.aborted ? 'TIMEOUT' : codeOf(error))
      } finally {
        socket?.destroy()
      }
    },
  }

  /**
   * Connects to an allowed address. The name is resolved once, so a name server can't show one address to the check and another to the
   * connection. The address at the other end is compared before a byte is written.
   */
  async function open(url: URL, signal: AbortSignal): Promise<Socket> {
    const isTls = url.protocol === 'https:'
    const host = hostOf(url)
    const addresses = isIP(host) === 0 ? await unlessAborted(resolve(host, signal), signal) : [host]
    if (addresses.length === 0) throw new OutgoingError('ENOTFOUND')
    if (!addresses.every(isAllowed)) throw new OutgoingError('PRIVATE_ADDRESS')
    if (!isTls && !privateAddresses) throw new OutgoingError('HTTPS_REQUIRED')
    const port = Number(url.port) || (isTls ? 443 : 80)
    const socket = connect({ host, port, lookup: alwaysTo(addresses), signal, noDelay: true })
    socket.on('error', () => {}) // also between the steps below, each of which notices that it is over
    try {
      await once(socket, 'connect')
      if (!isAllowed(socket.remoteAddress ?? '')) throw new OutgoingError('PRIVATE_ADDRESS')
      return isTls ? await secure(socket, host) : socket
    } catch (error) {
      socket.destroy()
      throw error
    }
  }
}

/** With the hosts file, where names of development are. */
const resolveLocally: Resolve = async host => (await lookup(host, { all: true })).map(({ address }) => address)

/** By DNS alone. `lookup` would keep one of the few threads of the process until a slow name server answers. */
async function resolvePublicly(host: string, signal: AbortSignal): Promise<string[]> {
  const resolver = new Resolver()
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel)
  try {
    const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    if (four.status === 'rejected' && six.status === 'rejected') throw four.reason
    return [four, six].flatMap(each => (each.status === 'fulfilled' ? each.value : []))
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

function alwaysTo(addresses: string[]): LookupFunction {
  const all = addresses.map(address => ({ address, family: isIP(address) }))
  const [first] = all as [(typeof all)[0]]
  return (_, { all: wantsAll }, callback) => (wantsAll ? callback(null, all) : callback(null, first.address, first.family))
}

/** The certificate must be valid for the host, also if the environment switches that check off. */
async function secure(socket: Socket, host: string): Promise<Socket> {
  const secured = connectTls({ socket, host, ...(isIP(host) === 0 && { servername: host }), rejectUnauthorized: true })
  await once(secured, 'secureConnect')
  return secured.on('error', () => {})
}

async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const aborted = once(signal, 'abort').then(() => Promise.reject(signal.reason))
  return await Promise.race([work, aborted])
}

/** Without an agent: no connection is kept, and none is shared by receivers. */
function send(socket: Socket, url: URL, headers: Record<string, string>, body: string): Promise<IncomingMessage> {
  const options = { createConnection: () => socket, method: 'POST', path: url.pathname + url.search }
  const length = { host: url.host, 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    request({ ...options, headers: { ...headers, ...length } }, resolve)
      .on('upgrade', () => reject(new OutgoingError('UPGRADE')))
      .on('error', reject) // after the reply too, where it changes nothing
      .end(body)
  })
}

/** Reads a little, so that the receiver can finish its reply. How the rest ends does not matter: the status is known. */
async function drain(reply: IncomingMessage): Promise<void> {
  let size = 0
  try {
    for await (const chunk of reply) {
      size += (chunk as Buffer).length
      if (size > maxReplyBytes) return
    }
  } catch {
    // a receiver that has accepted the request and then breaks off
  }
}

const codeOf = (error: unknown): string => {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^[A-Z0-9_]+$/.test(code) ? code : 'FAILED'
}
