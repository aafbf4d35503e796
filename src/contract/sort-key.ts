// The format `sort-key` of the contract: fractional indexes in base 62.
import { generateKeyBetween } from 'fractional-indexing'

/** Whether the library can make a key beside this one. It does not look at every character itself, which the pattern of the contract does. */
export function isSortKey(text: string): boolean {
  try {
    generateKeyBetween(text, null)
    return true
  } catch {
    return false
  }
}
