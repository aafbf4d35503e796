// A connection to the database that can fail: a TCP listener of any kind, and a line that forwards to the database.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'vitest'

type AtEnd = TestContext['onTestFinished']

/** `accepted`: how many connections so far; `open`: how many now; `hangUp` refuses connections from now on, until `listen`. */
export async function createListener(atEnd: AtEnd, each: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  let accepted = 0
  let port = 0
  const server = createServer(socket => {
    accepted++
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
    accepted: () => accepted,
    open: () => sockets.size,
    /** Resets every connection, as a peer does that has lost its state. */
    reset,
    hangUp() {
      server.close()
      reset()
    },
    listen,
  }
}

/** Forwards connections to the database. */
export async function createLine(atEnd: AtEnd, databaseUrl: string) {
  let losing = false
  let lost = 0
  let slamming = false
  const url = new URL(databaseUrl)
  const [host, port] = [url.hostname, Number(url.port)]
  const here = await createListener(atEnd, socket => {
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
    /** Loses the next answer of the database, and its connection with it. */
    loseNextAnswer() {
      losing = true
    },
    lost: () => lost,
    /** Resets every connection, and closes each new one immediately, until `mend`. */
    slam() {
      slamming = true
      here.reset()
    },
    mend() {
      slamming = false
    },
  }
}

/** Forwards connections to the database as a pooler that drops a setting of the start-up message: its name gets one that means nothing. */
export async function createDroppingPooler(atEnd: AtEnd, databaseUrl: string, setting: string): Promise<string> {
  const url = new URL(databaseUrl)
  const [host, port] = [url.hostname, Number(url.port)]
  const listener = await createListener(atEnd, socket => {
    const database = connect(port, host)
    socket.on('data', data => {
      const text = data.toString('latin1').replace(`\0${setting}\0`, `\0x.${'x'.repeat(setting.length - 2)}\0`)
      database.write(Buffer.from(text, 'latin1'))
    })
    database.pipe(socket)
    socket.on('close', () => database.destroy())
    database.on('error', () => {}).on('close', () => socket.destroy())
  })
  url.port = String(listener.port)
  return url.href
}
