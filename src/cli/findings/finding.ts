/** A result of the doctor. `remedy` says what to do; undefined if nothing is wrong. */
export type Finding = { subject: string; state: string; remedy?: string }

/** Each remedy is printed on a line of its own. */
export function finding(subject: string, state: string, remedies: readonly string[]): Finding {
  return { subject, state, ...(remedies.length > 0 && { remedy: remedies.join(`\n${' '.repeat(16)}`) }) }
}
