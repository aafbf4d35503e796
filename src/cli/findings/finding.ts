/** What the doctor found. `remedy` says what to do; undefined if nothing is wrong. */
export type Finding = { subject: string; state: string; remedy?: string }
