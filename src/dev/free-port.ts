import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

// Below the ports that systems give to connections, and to servers that ask for any. One of those could go to another process before the one
// that it is meant for listens, or while that one restarts.
const [first, end] = [10_000, 32_768]

/** A port on which no process listens now. */
export async function freePort(): Promise<number> {
  const port = randomInt(first, end)
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    return freePort()
  }
  await new Promise(resolve => server.close(resolve))
  return port
}
