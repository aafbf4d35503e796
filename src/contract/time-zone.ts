// The format `time-zone` of the contract: names from the IANA time zone database, in their own spelling, aliases included.

// TypeScript 5 has no types of Temporal.
declare const Temporal: { ZonedDateTime: new (nanoseconds: bigint, timeZone: string) => { timeZoneId: string } }
const { ZonedDateTime } = Temporal

const known = new Set<string>() // valid names only, so it is bounded by the database; asking Temporal costs more than the rest of the validation

/**
 * Whether the runtime's time zone database has the name. Temporal corrects the case of a name and keeps an alias, so a name that comes back
 * changed has another spelling. Intl would not do: ICU has abbreviations of its own, and takes BST for Asia/Dhaka.
 */
export function isTimeZone(name: string): boolean {
  if (known.has(name)) return true
  if (!/^[A-Z]/.test(name)) return false // an offset, or another case
  try {
    if (new ZonedDateTime(0n, name).timeZoneId !== name) return false
  } catch {
    return false
  }
  known.add(name)
  return true
}
