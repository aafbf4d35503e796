// Connections beyond what Node documents: which reply is their last, how they end (RFC 9112, section 9.6), and when they stop being accepted.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Server as Listener, type Socket } from 'node:net'

const maxDiscardedBytes = 1024 * 1024 // of a body that nothing reads, and of what arrives behind the last request

/** The response to the newest request of each connection. */
const newest = new WeakMap<Socket, ServerResponse>()
export const newestResponse = (socket: Socket): ServerResponse | undefined => newest.get(socket)

/** Notes a request. False if an earlier reply said that the connection ends with it: then nothing may act on the request. */
export function admit(response: ServerResponse<IncomingMessage>): boolean {
  const { socket } = response.req
  const before = newest.get(socket)
  if (before?.headersSent && !before.shouldKeepAlive) return false
  newest.set(socket, response)
  return true
}

/** Ends the connection with the reply to its newest request, so that no request that was read loses its reply. Call this before a reply. */
export function endWithNewest(response: ServerResponse<IncomingMessage>): void {
  const { socket } = response.req
  const last = newest.get(socket) ?? response
  if (last === response) response.shouldKeepAlive = false
  else if (last.headersSent) last.once('finish', () => socket.destroySoon()) // otherwise it will announce the end itself
}

const ownDeadlines = new WeakSet<IncomingMessage>()
/** The time that Node allows for a whole request does not count for this one: its reader has a deadline of its own. */
export const setOwnDeadline = (request: IncomingMessage): void => void ownDeadlines.add(request)
export const hasOwnDeadline = (request: IncomingMessage | undefined): boolean => request !== undefined && ownDeadlines.has(request)

/** Whether the rest of a body may be too long to be read and thrown away. */
export function isEndless({ complete, headers }: IncomingMessage): boolean {
  return !complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > maxDiscardedBytes)
}

/** Parses nothing more of what arrives, and reads nothing until the connection ends. */
export function stopParsing(socket: Socket): void {
  let rest = maxDiscardedBytes
  socket.removeAllListeners('data')
  // Node stops to feed its parser when there is a listener.
  socket.on('data', chunk => {
    rest -= chunk.length
    if (rest < 0) socket.destroy()
  })
  socket.pause()
}

/**
 * Ends a connection behind its last reply. A connection that is closed while bytes arrive is reset, and the client loses the reply. So only
 * this side is closed, and the rest is read for a moment. Usually the client closes its side immediately.
 */
export function endConnection(socket: Socket, lingerMs: number, lastBytes?: string): void {
  if (lastBytes !== undefined) socket.write(lastBytes)
  socket.end()
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
  stopParsing(socket)
  socket.resume()
}

/** Accepts no connection any more. `close` of an HTTP server would also end the idle ones, on which a request may be on its way. */
export function stopAccepting(server: Server): void {
  Listener.prototype.close.call(server)
}
