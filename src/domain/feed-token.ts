// The secret in the link of a calendar: the owner and 256 random bits, both in base64url. Without the owner in it, a token would be looked up
// in an index over all owners, which no shard and no cell has.
import { createHash, randomBytes } from 'node:crypto'

const form = /^([\w-]+)\.[\w-]{43}$/

export function createToken(owner: string): string {
  return `${Buffer.from(owner).toString('base64url')}.${randomBytes(32).toString('base64url')}`
}

/** SHA-256 in hexadecimal. It needs no salt and need not be slow, because 256 random bits cannot be guessed. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** The owner whose token it would be; undefined if no token is like this. */
export function ownerOf(token: string): string | undefined {
  const encoded = form.exec(token)?.[1]
  if (encoded === undefined) return undefined
  const owner = Buffer.from(encoded, 'base64url').toString()
  const isCanonical = Buffer.from(owner).toString('base64url') === encoded // not so for bytes that are no UTF-8
  return isCanonical && !owner.includes('\0') ? owner : undefined
}
