// Opens connections and keeps them until standard input ends: half of them after one request, the others in the middle of one.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const [, , url = '', count = ''] = process.argv
const port = Number(new URL(url).port)
const sockets: Socket[] = []

async function one(i: number) {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  await once(socket, 'connect')
  socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(socket, 'data')
  if (i % 2 === 0) socket.write('GET /livez HTT')
}

// At most so many at once as a server usually lets wait.
const todo = Array.from({ length: Number(count) }).entries()
await Promise.all(
  Array.from({ length: 200 }, async () => {
    for (const [i] of todo) await one(i)
  }),
)
console.log(`${sockets.filter(socket => socket.readyState === 'open').length} open`)

process.stdin.resume()
await once(process.stdin, 'end')
for (const socket of sockets) socket.resetAndDestroy() // no port has to wait until it is forgotten
