// The headers by which a receiver knows that a delivery is authentic and recent: Standard Webhooks (standardwebhooks.com).
import { createHmac } from 'node:crypto'

/**
 * `id` is the same each time a delivery is sent, `at` is the time of the attempt. Each secret gives one signature: after a rotation the
 * receiver may know the old one or the new one.
 */
export function signedHeaders(id: string, at: Date, body: string, secrets: readonly string[]): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const signatures = secrets.map(secret => `v1,${signature(secret, `${id}.${timestamp}.${body}`)}`)
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}

function signature(secret: string, signed: string): string {
  return createHmac('sha256', Buffer.from(secret.replace(/^whsec_/, ''), 'base64'))
    .update(signed)
    .digest('base64')
}
