// Sends bytes to a server that no HTTP client would send, and reads the replies.
import { connect, type Socket } from 'node:net'
import { expect } from 'vitest'
import { checkEarlyReply } from '../support/client.ts'
import type { Service } from '../support/taskspec.ts'

export type Reply = { status: number; headers: Headers; body: string }

/** Opens a connection. `ended` resolves when it is closed, with everything that the server sent. */
export function open(url: string): { socket: Socket; ended: Promise<string>; received: () => string } {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let text = ''
  socket.on('data', bytes => {
    text += bytes.toString('latin1')
  })
  socket.on('error', () => {}) // the server may reset a connection that it refuses
  return { socket, ended: new Promise(resolve => socket.once('close', () => resolve(text))), received: () => text }
}

/**
 * Sends the bytes and an ordinary request after them, which closes the connection. If the server refuses the bytes, its refusal is the
 * only reply. Otherwise the last reply is that of the ordinary request.
 */
export async function talk(url: string, bytes: string): Promise<Reply[]> {
  const { socket, ended } = open(url)
  socket.write(Buffer.from(`${bytes}GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 'latin1'))
  return replies(await ended)
}

/** Parses the replies of a connection. Throws if there is anything else between them. */
export function replies(text: string): Reply[] {
  const all: Reply[] = []
  for (let rest = text; rest !== ''; ) {
    const [head] = rest.split('\r\n\r\n', 1) as [string]
    const [first = '', ...lines] = head.split('\r\n')
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(first) ?? []
    if (status === undefined) throw new Error(`not a reply: ${rest.slice(0, 200)}`)
    const headers = new Headers(lines.map(line => line.split(/: (.*)/s, 2) as [string, string]))
    const length = Number(headers.get('content-length') ?? 0)
    all.push({ status: Number(status), headers, body: rest.slice(head.length + 4, head.length + 4 + length) })
    rest = rest.slice(head.length + 4 + length)
  }
  return all
}

export const statuses = (all: Reply[]): number[] => all.map(({ status }) => status)

/** Expects one refusal: a problem, a line in the log, and a closed connection. */
export function expectRefused(all: Reply[], status: number, kind: string, log: Service['log']): void {
  expect(statuses(all)).toEqual([status])
  const [{ headers, body }] = all as [Reply]
  expect(headers.get('content-type')).toBe('application/problem+json')
  expect(headers.get('connection')).toBe('close')
  expect(headers.get('cache-control')).toBe('no-store')
  const problem = JSON.parse(body)
  checkEarlyReply({ status, headers, body: problem })
  expect(problem).toMatchObject({ type: `/problems/${kind}`, status, requestId: headers.get('x-request-id') })
  expect(log.find(({ requestId }) => requestId === problem.requestId)).toMatchObject({ level: 30, status })
}

export const warnings = (log: Service['log']) => log.filter(({ level }) => (level as number) >= 40)
