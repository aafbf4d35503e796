// What stands between the server and its database, and may fail: a listener of any kind, and a line that carries what is said.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'vitest'

type AtEnd = TestContext['onTestFinished']

/** `taken`: how many have come so far; `open`: how many are here; `hangUp` refuses who comes from now on, until `listen`. */
export async function listener(atEnd: AtEnd, each: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  let taken = 0
  let port = 0
  const server = createServer(socket => {
    taken++
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    each(socket)
  })
  const reset = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  async function listen() {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  await listen()
  atEnd(() => {
    server.close()
    reset()
  })
  return {
    port,
    taken: () => taken,
    open: () => sockets.size,
    /** Cuts every connection, as a peer does that knows nothing of it any more. */
    reset,
    hangUp() {
      server.close()
      reset()
    },
    listen,
  }
}

/** A way to the database. */
export async function line(atEnd: AtEnd, databaseUrl: string) {
  let losing = false
  let lost = 0
  let slamming = false
  const url = new URL(databaseUrl)
  const [host, port] = [url.hostname, Number(url.port)]
  const here = await listener(atEnd, socket => {
    if (slamming) return void socket.end()
    const server = connect(port, host)
    socket.pipe(server)
    server.on('data', answer => {
      if (!losing) return void socket.write(answer)
      losing = false
      lost++
      socket.destroy()
    })
    socket.on('close', () => server.destroy())
    server.on('error', () => {}).on('close', () => socket.destroy())
  })
  url.port = String(here.port)
  return {
    ...here,
    url: url.href,
    /** The next answer is lost, and its connection with it. */
    loseNextAnswer() {
      losing = true
    },
    lost: () => lost,
    /** Cuts every connection, and closes at once each that it takes. */
    slam() {
      slamming = true
      here.reset()
    },
    mend() {
      slamming = false
    },
  }
}
