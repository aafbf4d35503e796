// The order that users make by hand: keys between others, and the position of a category in step with its key. No SQL.
import { generateKeyBetween, generateNKeysBetween } from 'fractional-indexing'

/** A key with the id of its row. Rows are sorted by both. */
export type Keyed = { id: string; key: string }
/** A key that is to be above `lower` and below `upper`; null where there is no bound. */
export type Gap = { lower: string | null; upper: string | null }

/** A key that would be longer gets more room first. */
export const maxShortKey = 50
/** as the spec says */
export const maxKey = 200
/** as the spec says */
export const maxPosition = 1_000_000
/** The library makes this key below some others, and then refuses it. Only a key that a client chose can lead there. */
const smallest = `A${'0'.repeat(26)}`

export function keyBetween({ lower, upper }: Gap): string {
  const key = generateKeyBetween(lower, upper)
  return key === smallest ? `${smallest}V` : key
}

/**
 * New keys for the rows on both sides of a gap, in the same order and evenly spread. Each side begins at the gap. A side with more than
 * `reach` rows ends at the next one, whose key stays.
 */
export function spread(before: Keyed[], after: Keyed[], reach: number): Keyed[] {
  const rows = [...before.slice(0, reach).reverse(), ...after.slice(0, reach)]
  const keys = keysBetween({ lower: before[reach]?.key ?? null, upper: after[reach]?.key ?? null }, rows.length)
  return rows.map(({ id }, index) => ({ id, key: keys[index] as string }))
}

function keysBetween({ lower, upper }: Gap, count: number): string[] {
  if (lower !== null || upper === null) return generateNKeysBetween(lower, upper, count)
  const keys: string[] = []
  for (let next = upper; keys.length < count; keys.push(next)) next = keyBetween({ lower, upper: next })
  return keys.reverse()
}

/** The beginning of the server's key of a category. The creation follows, so categories of one position are sorted by it. */
export const positionKey = (position: number): string => `h${position.toString(16).padStart(8, '0')}`

type Placed = { position?: number; sortKey?: string | null }

/** The fields of a category with those that follow: a key sets the position, and a position without a key replaces the key. */
export function inStep<Input extends Placed>(input: Input): Input {
  if (typeof input.sortKey === 'string') return { ...input, position: positionOf(input.sortKey) }
  return input.position === undefined ? input : { ...input, sortKey: null }
}

/** The position of a category that has this key: the greatest whose keys are not above it. So an order by key never contradicts one by position. */
export function positionOf(key: string): number {
  let [low, high] = [0, maxPosition]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (positionKey(middle) <= key) low = middle
    else high = middle - 1
  }
  return low
}
