// A socket to one host of the database, with TLS if the URL asks for it. The driver would do both itself, but it takes a refusal of TLS for
// the start of TLS, and it can't verify a host by its address.
import { isIP, Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls } from 'node:tls'
import type { Tls } from '../config/database-tls.ts'
import type { Host } from '../config/database-url.ts'

/** The database does not speak TLS, and the URL demands it. */
export class TlsRefused extends Error {
  override name = 'TlsRefused'
  readonly code = 'TLS_REFUSED'
}

const tlsRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])

export type OpenSocket = {
  /** the socket below TLS */
  raw: Socket
  ready: Promise<Socket>
  /** Ends TLS before the socket below it: a write in between would fail with an error that nothing handles. */
  destroy: () => void
}

export function openSocket(host: Host, tls: Tls | null): OpenSocket {
  const raw = new Socket()
  raw.on('error', () => {}) // whoever waits for it has a listener of its own
  const isLocal = host.name.startsWith('/')
  if (isLocal) raw.connect(`${host.name}/.s.PGSQL.${host.port}`)
  else raw.connect(host.port, host.name)
  // As in libpq, a Unix socket has no TLS.
  let top = raw
  const ready = tls === null || isLocal ? first(raw, 'connect').then(() => raw) : secure(raw, host, tls)
  ready.then(
    socket => {
      top = socket
    },
    () => {}, // the caller gets the rejection
  )
  return { raw, ready, destroy: () => void top.destroy() }
}

async function secure(raw: Socket, host: Host, tls: Tls): Promise<Socket> {
  await first(raw, 'connect')
  if (!tls.direct) {
    raw.write(tlsRequest)
    const answer = (await first(raw, 'data')) as Buffer
    const isOffered = answer.toString('latin1') === 'S' // more than this letter would be from somebody in between
    if (!isOffered && tls.optional && answer.toString('latin1') === 'N') return raw
    if (!isOffered) throw new TlsRefused('the database does not offer TLS')
  }
  const secured = connectTls({
    socket: raw,
    secureContext: tls.context,
    ...(tls.direct && { ALPNProtocols: ['postgresql'] }),
    ...(tls.sendsName && isIP(host.name) === 0 && { servername: host.name }),
    rejectUnauthorized: tls.verify !== 'none',
    checkServerIdentity: (_, certificate) => (tls.verify === 'full' ? checkServerIdentity(host.name, certificate) : undefined),
  })
  secured.on('error', () => {})
  await first(secured, 'secureConnect')
  return secured
}

/** Rejects if the socket closes before. */
function first(socket: Socket, event: 'connect' | 'secureConnect' | 'data'): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const closed = () => reject(Object.assign(new Error('the database closed the connection'), { code: 'CONNECTION_CLOSED' }))
    socket.once('error', reject)
    socket.once('close', closed)
    socket.once(event, value => {
      socket.off('error', reject).off('close', closed)
      resolve(value)
    })
  })
}
