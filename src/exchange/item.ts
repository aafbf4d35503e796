// The parts that all forms of an account share: the resources that are written, and the items that a reader finds in a file.
import type { components } from '../../generated/api.ts'

type Schemas = components['schemas']

export type Recurrence = NonNullable<Schemas['Recurrence']>
export type Profile = Schemas['User']
export type Category = Schemas['Category']
export type Task = Schemas['Task']

/** A task with the name of its category, for the forms that have no ids of categories. */
export type NamedTask = Task & { category: string | null }

/** A file in pieces of any size. A piece of text is whole characters. */
export type Source = AsyncIterable<Uint8Array | string>

/**
 * A resource that a file describes. Its `body` is not validated yet: it is meant for the schema of `putTask`, `putCategory` or `updateMe`.
 * `category` is the name of the task's category, or null for none. It is absent if the form has ids of categories, or no column for them.
 */
export type Item = { kind: Kind; id?: string; category?: string | null; body: Record<string, unknown> }
export type Kind = 'profile' | 'category' | 'task'

/**
 * Something that could not be read. `place` names the column, property or member, where it is one of them. `lost` says how much was not read:
 * the `value` (the item follows without it), the `row`, or the `rest` of the file, after which the reader ends.
 */
export type Fault = { line: number; place: string | null; reason: string; lost: 'value' | 'row' | 'rest' }

/** A result of a reader. `line` is the first line of the item, from 1. */
export type Row = { line: number; item: Item } | Fault

export function isFault<Other extends object>(row: Other | Fault): row is Fault {
  return 'lost' in row
}
