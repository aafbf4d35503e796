// Connections beyond what Node documents: when they are closed, and when they stop being accepted.
import type { IncomingMessage, Server } from 'node:http'
import { Server as Listener } from 'node:net'

const maxDiscardedBytes = 1024 * 1024 // of a body that nothing reads: below it the connection can be kept
const lingerMs = 500

/** Whether the rest of a body may be too long to be read and thrown away. */
export function isEndless({ complete, headers }: IncomingMessage): boolean {
  return !complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > maxDiscardedBytes)
}

/**
 * Call this after a reply with `Connection: close` to a request whose body is still arriving. A connection that is closed while bytes
 * arrive is reset, and the client loses the reply: so it is kept open for a moment.
 */
export function linger(request: IncomingMessage): void {
  const { socket } = request
  const cut = () => socket.destroy()
  const timer = setTimeout(cut, lingerMs)
  socket.once('close', () => clearTimeout(timer))
  socket.destroySoon = () => socket.end() // Node calls it after the reply, and would close the connection immediately
  let rest = maxDiscardedBytes
  request.on('data', chunk => {
    rest -= chunk.length
    if (rest < 0) cut()
  })
}

/** Accepts no connection any more. `close` of an HTTP server would also end the idle ones, on which a request may be on its way. */
export function stopAccepting(server: Server): void {
  Listener.prototype.close.call(server)
}
