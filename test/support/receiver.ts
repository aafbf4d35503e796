// A receiver of webhooks on this machine. It judges each delivery with the library that receivers use.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { record } from './record.ts'

type Change = { kind: string; id: string; revision: number; deletedAt: string | null; resource: Record<string, unknown> | null }
/** A delivery as it arrived; `data` is that of its body. */
export type Delivery = {
  id: string
  type: string
  timestamp: string
  headers: Record<string, string>
  body: string
  data: { userId: string; webhookId: string; items: Change[]; revision: number; hasMore: boolean; reminder: { taskId: string; at: string } }
}
export type Receiver = {
  url: string
  /** every delivery so far, also those that were refused */
  deliveries: Delivery[]
  /** The changes in all accepted deliveries, in the order in which they arrived. */
  items: () => Change[]
  /** The status of the next replies, or what to do before each. */
  reply: (status: number | ((delivery: Delivery) => number | Promise<number>)) => void
  close: () => void
}

// A query can be a secret, so no log may have it.
const query = 'key=receiver-hunter2'

export async function startReceiver(): Promise<Receiver> {
  const deliveries: Delivery[] = []
  const accepted: Delivery[] = []
  let decide: (delivery: Delivery) => number | Promise<number> = () => 204
  record('secrets', query)
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const headers = request.headers as Record<string, string>
    const delivery = { ...JSON.parse(body), headers, body, id: headers['webhook-id'] } as Delivery
    deliveries.push(delivery)
    const status = await decide(delivery)
    if (status >= 200 && status < 300) accepted.push(delivery)
    response.writeHead(status).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?${query}`,
    deliveries,
    items: () => accepted.flatMap(({ data }) => data.items ?? []),
    reply(status) {
      decide = typeof status === 'number' ? () => status : status
    },
    close: () => void server.close().closeAllConnections(),
  }
}

/** Whether the library accepts the delivery with this secret. */
export function isSignedWith(secret: string, { body, headers }: Delivery): boolean {
  try {
    new Webhook(secret).verify(body, headers)
    return true
  } catch {
    return false
  }
}
