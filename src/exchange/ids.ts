// Ids for what a file names in another way. The same name always gets the same id, so a file that is imported twice changes the same rows.
import { createHash } from 'node:crypto'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The UUID itself, else a UUID of version 8 (RFC 9562) from the SHA-256 of the name. */
export function idOf(name: string): string {
  const plain = name.toLowerCase().replace(/^urn:uuid:/, '')
  return uuid.test(plain) ? plain : hashedId(name)
}

export function hashedId(name: string): string {
  const bytes = createHash('sha256').update(name).digest().subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
