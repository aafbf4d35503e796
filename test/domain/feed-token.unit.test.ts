import { describe, expect, test } from 'vitest'
import { createToken, ownerOf, tokenHash } from '../../src/domain/feed-token.ts'

describe('a token', () => {
  test.for(['ann', 'auth0|5f7c', 'ü 😀', '.', 'a'.repeat(255)])('of %s leads to its owner, and fits into a segment of a path', owner => {
    const token = createToken(owner)
    expect(token).toMatch(/^[\w-]+\.[\w-]{43}$/)
    expect(ownerOf(token)).toBe(owner)
  })

  test('has 256 bits that no other one has', () => {
    const secrets = Array.from({ length: 100 }, () => createToken('ann').split('.')[1] as string)
    expect(new Set(secrets).size).toBe(100)
    for (const secret of secrets) expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
  })

  test('has another hash if any character of it differs', () => {
    const token = createToken('ann')
    expect(tokenHash(token)).toMatch(/^[0-9a-f]{64}$/)
    expect(tokenHash(`${token.slice(0, -1)}${token.endsWith('A') ? 'E' : 'A'}`)).not.toBe(tokenHash(token))
    expect(tokenHash(token.replace('.', '-'))).not.toBe(tokenHash(token))
  })
})

const secret = 'x'.repeat(43)
const base64url = (bytes: string | Uint8Array) => Buffer.from(bytes as string).toString('base64url')

test.for<[string, string]>([
  ['', 'nothing'],
  [secret, 'no owner'],
  [`.${secret}`, 'an empty owner'],
  [`YW5u.${secret.slice(1)}`, 'a short secret'],
  [`YW5u.${secret}x`, 'a long secret'],
  [`YW5u.${secret}.${secret}`, 'a third part'],
  [`YW5u=.${secret}`, 'padding'],
  [`YW5u.${secret.slice(1)}+`, 'the other base64'],
  [`YW5.${secret}`, 'bits after the last character'],
  [`${base64url('a\0b')}.${secret}`, 'NUL, which PostgreSQL cannot store'],
  [`${base64url(Uint8Array.of(0x61, 0xff))}.${secret}`, 'an owner that is no UTF-8'],
  [`YW5u.${secret}\n`, 'a line end'],
])('%j is of no owner: %s', ([token]) => {
  expect(ownerOf(token)).toBeUndefined()
})
