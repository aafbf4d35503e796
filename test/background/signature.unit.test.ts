// The signature against the library that receivers use.
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { signedHeaders } from '../../src/background/signature.ts'

const [first, second, third] = [1, 2, 3].map(byte => `whsec_${Buffer.alloc(32, byte).toString('base64')}`) as [string, string, string]
const body = JSON.stringify({ type: 'test', data: { text: 'Zürich 🌍' } })

test('a receiver with either of two secrets accepts the delivery, and one with another does not', () => {
  const headers = signedHeaders('019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12', new Date(), body, [first, second])
  for (const secret of [first, second]) expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body))
  expect(() => new Webhook(third).verify(body, headers)).toThrow('No matching signature found')
})

test('another body, id or time is refused', () => {
  const headers = signedHeaders('a', new Date(), body, [first])
  const judge = new Webhook(first)
  expect(() => judge.verify(`${body} `, headers)).toThrow('No matching signature found')
  expect(() => judge.verify(body, { ...headers, 'webhook-id': 'b' })).toThrow('No matching signature found')
  expect(() => judge.verify(body, signedHeaders('a', new Date(Date.now() - 10 * 60_000), body, [first]))).toThrow('timestamp too old')
})

test('the headers are those that the library makes', () => {
  const at = new Date('2027-02-11T17:40:03.900Z')
  const { 'webhook-signature': signature, ...others } = signedHeaders('a', at, body, [first])
  expect(others).toEqual({ 'webhook-id': 'a', 'webhook-timestamp': '1802367603' })
  expect(signature).toBe(new Webhook(first).sign('a', at, body))
})
