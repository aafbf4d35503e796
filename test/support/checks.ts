// A check must not pass because it did not run. It fails, or the end of the run counts it and names its need.

declare module 'vitest' {
  interface TaskMeta {
    /** the need that the machine or the run lacks, if the test is skipped */
    needs?: string
  }
}

/** Options of a test that not every machine can run. `need` completes the sentence "The test needs …". */
export function needs(present: boolean, need: string): { skip: boolean; meta: { needs: string } } {
  return { skip: !present, meta: { needs: need } }
}

/** The list itself. Throws if it is empty: `test.for` would run nothing and pass. */
export function cases<Case>(list: readonly Case[]): Case[] {
  if (list.length === 0) throw new Error('The list of cases is empty, so nothing would be tested.')
  return [...list]
}
