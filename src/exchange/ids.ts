// Ids for what a file names in another way. The same name always gets the same id, so a file that is imported twice changes the same rows.
import { hashedId } from '../contract/hashed-id.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The UUID itself, else a UUID of version 8 (RFC 9562) from the SHA-256 of the name. */
export function idOf(name: string): string {
  const plain = name.toLowerCase().replace(/^urn:uuid:/, '')
  return uuid.test(plain) ? plain : hashedId(name)
}
