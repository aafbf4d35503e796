// Sends bytes as they are: fetch would tidy up paths, header names and repeated headers.
import { Agent, request } from 'node:http'
import { hasEvent, isEventStream } from '../support/events.ts'
import type { Answer } from '../support/spec.ts'

export type Raw = { method: string; target: string; headers: [name: string, value: string][]; body: Uint8Array | undefined }

const timeoutMs = 60_000
const agent = new Agent({ keepAlive: true, maxSockets: 8 })

export function send(url: string, raw: Raw): Promise<Answer> {
  const { host, hostname, port } = new URL(url)
  const { method, target, body } = raw
  const sized =
    raw.headers.every(([name]) => name !== 'Transfer-Encoding') && (body !== undefined || (method !== 'GET' && method !== 'DELETE'))
  const length = sized ? [['Content-Length', String(body?.length ?? 0)] as const] : []
  const headers = [['Host', host] as const, ...raw.headers, ...length].flat()

  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const outgoing = request({ agent, hostname, port, method, path: target, headers: headers as never, signal }, async response => {
      try {
        const chunks: Buffer[] = []
        for await (const chunk of response) {
          chunks.push(chunk)
          if (isEventStream(response.headers['content-type']) && hasEvent(chunk.toString())) break // it may never end
        }
        const text = Buffer.concat(chunks).toString()
        const all = new Headers(Object.entries(response.headers).map(([name, value]) => [name, [value].flat().join(', ')]))
        const json = /[/+]json/.test(all.get('content-type') ?? '')
        resolve({ status: response.statusCode as number, headers: all, body: text === '' ? undefined : json ? JSON.parse(text) : text })
      } catch (cause) {
        reject(new Error(`the reply is not whole: ${cause}`, { cause }))
      }
    })
    outgoing.on('error', cause => reject(new Error(signal.aborted ? `no reply in ${timeoutMs} ms` : `no reply: ${cause}`, { cause })))
    outgoing.end(body)
  })
}
