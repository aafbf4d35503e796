// The manual order: the sort keys of tasks and categories, and the positions of categories, which follow from them.
import type { CategoryBody } from './categories.ts'
import { byText, type Category, instant, type Task } from './state.ts'

// Those that the commands can lead to.
const fewPositions = [...Array(20).keys(), 1_000_000]
const keyAt = (position: number) => `h${position.toString(16).padStart(8, '0')}`

/** A key sets the position of a category, and a position without a key replaces the key. */
export function inStep(body: CategoryBody): CategoryBody {
  const { position, sortKey } = body
  if (typeof sortKey !== 'string') return position === undefined ? body : { ...body, sortKey: null }
  return { ...body, position: fewPositions.findLast(each => keyAt(each) <= sortKey) ?? 0 }
}

/** The key of a row without one of its own. */
export function serverKey(row: Task | Category): string {
  const { createdAt } = row
  const micros = BigInt(Date.parse(`${createdAt?.slice(0, 19)}Z`)) * 1000n + BigInt(instant(createdAt).slice(-6))
  const creation = micros.toString(16).padStart(13, '0')
  return 'position' in row ? `${keyAt(row.position)}${creation}1` : `m${creation}`
}

export type Neighbours = { before?: string | null; after?: string | null }

/** Whether a key is directly before or after the one of the neighbour among all keys of the others, or without a neighbour after all of them. */
export function isAt(key: string, others: Task[], { before, after }: Neighbours): boolean {
  const keyOf = (id: string) => others.find(each => each.id === id)?.sortKey ?? ''
  const isBelow = (other: string) => {
    if (typeof before === 'string') return byText(other, keyOf(before)) < 0
    return typeof after !== 'string' || byText(other, keyOf(after)) <= 0
  }
  return others.every(({ sortKey = '' }) => (isBelow(sortKey) ? byText(sortKey, key) < 0 : byText(sortKey, key) > 0))
}
