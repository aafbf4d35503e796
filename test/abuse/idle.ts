// Opens connections and keeps them until standard input ends: half of them after a request, the others in the middle of one.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const [, , url = '', count = ''] = process.argv
const port = Number(new URL(url).port)
const sockets: Socket[] = []

async function one(i: number) {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  await once(socket, 'connect')
  if (i % 2 === 0) return socket.write('GET /livez HTT')
  socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(socket, 'data')
}

// At most 200 at a time, which fit into the backlog of the server.
const todo = Array.from({ length: Number(count) }).entries()
await Promise.all(
  Array.from({ length: 200 }, async () => {
    for (const [i] of todo) await one(i)
  }),
)
console.log(`${sockets.filter(socket => socket.readyState === 'open').length} open`)

process.stdin.resume()
await once(process.stdin, 'end')
for (const socket of sockets) socket.resetAndDestroy() // a reset leaves no port in TIME_WAIT
