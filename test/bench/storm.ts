// Requests over plain sockets: at a fixed rate, or one after the other on each connection. The client must cost little, because it
// shares the machine with the server.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Request, raw } from './workloads.ts'

export type Load = {
  url: string
  /** sent in turn, over and over */
  requests: Request[]
  connections: number
  /** requests a second, with or without replies; without it each connection sends its next request when it has its reply */
  perSecond?: number
  /** how long requests are sent */
  seconds?: number
  /** ends the sending, too */
  signal?: AbortSignal
  /** ms after which a reply is late */
  deadline: number
}

export type Answers = {
  sent: number
  /** replies in time, by status */
  statuses: Record<number, number>
  /** refusals without `Retry-After` */
  withoutRetryAfter: number
  /** replies after the deadline, and replies that never came */
  late: number
  /** for each request whose connection broke before the reply: when the request was written, by performance.now() */
  brokenAt: number[]
  /** ms of the successful ones, ascending */
  times: number[]
}

type Line = { socket: Socket; since: number; writtenAt: number }

/** Sends until the time is over or the signal comes, and waits for the replies until the deadline of the last request. */
export async function storm({ url, requests, connections, perSecond, seconds = Infinity, signal, deadline }: Load): Promise<Answers> {
  const { hostname, port } = new URL(url)
  const texts = requests.map(raw)
  const answers: Answers = { sent: 0, statuses: {}, withoutRetryAfter: 0, late: 0, brokenAt: [], times: [] }
  const idle: Line[] = []
  const all = new Set<Line>()
  const waiting: number[] = []
  let until = Infinity
  let written = 0
  let open = 0
  const sending = () => performance.now() < until && signal?.aborted !== true

  function dial(): Line {
    const line: Line = { socket: connect(Number(port), hostname).setNoDelay(true), since: 0, writtenAt: 0 }
    let head = ''
    let missing = 0
    all.add(line)
    line.socket.on('data', chunk => {
      if (missing === 0) {
        head += chunk.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end === -1) return
        missing = end + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0) - head.length
      } else missing -= chunk.length
      if (missing > 0) return
      receive(line, head)
      head = ''
      missing = 0
    })
    line.socket.on('error', () => {})
    line.socket.on('close', () => {
      all.delete(line)
      if (line.since === 0) return void idle.splice(idle.indexOf(line), idle.includes(line) ? 1 : 0)
      answers.brokenAt.push(line.writtenAt)
      open -= 1
    })
    return line
  }

  /** The time of a request counts from when it is due. Without an idle connection it waits for one, and its reply is later by that. */
  function send(since: number) {
    answers.sent += 1
    open += 1
    const line = idle.pop()
    if (line === undefined) waiting.push(since)
    else write(line, since)
  }

  function write(line: Line, since: number) {
    line.since = since
    line.writtenAt = performance.now()
    line.socket.write(texts[written++ % texts.length] as string)
  }

  function receive(line: Line, head: string) {
    const ms = performance.now() - line.since
    const status = Number(head.slice(9, 12))
    line.since = 0
    open -= 1
    if (ms > deadline) answers.late += 1
    else answers.statuses[status] = (answers.statuses[status] ?? 0) + 1
    if (status < 300 && ms <= deadline) answers.times.push(ms)
    if (status === 503 && !/^retry-after: [1-9]/im.test(head)) answers.withoutRetryAfter += 1
    if (/^connection: close/im.test(head)) return void line.socket.destroy()
    const next = waiting.shift()
    if (next !== undefined) return write(line, next)
    idle.push(line)
    if (perSecond === undefined && sending()) send(performance.now())
  }

  for (let i = 0; i < connections; i += 50) {
    await Promise.all(
      Array.from({ length: Math.min(50, connections - i) }, async () => {
        const line = dial()
        await once(line.socket, 'connect')
        idle.push(line)
      }),
    )
  }
  const began = performance.now()
  until = began + seconds * 1000
  if (perSecond === undefined) for (let i = 0; i < connections; i++) send(performance.now())
  for (let now = began; sending(); now = performance.now()) {
    if (perSecond !== undefined) while (answers.sent < ((now - began) / 1000) * perSecond) send(began + (answers.sent / perSecond) * 1000)
    await sleep(2)
  }
  for (const end = performance.now() + deadline; open > 0 && performance.now() < end; ) await sleep(10)
  answers.late += open
  answers.times.sort((a, b) => a - b)
  for (const line of all) line.since = 0
  await Promise.all([...all].map(({ socket }) => once(socket.destroy(), 'close')))
  return answers
}
