// A task as the contract has it, and as callers write it.
import type { components } from '../../generated/api.ts'
import type { Call } from '../contract/types.ts'

export type Task = components['schemas']['Task']
export type Input = Call<'createTask'>['body']
/** With what follows from the parent, and from the completion. */
export type Placed = Input & { depth: number; nextOccurrenceId?: string }
