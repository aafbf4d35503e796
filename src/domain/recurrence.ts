// When a recurring task is due again. A rule has dates only; `dueTime` is kept apart, so no time zone and no clock change matters.
// Each occurrence is a task with the rest of its series: the due date as DTSTART, and COUNT as what remains.
import { RRuleTemporal } from 'rrule-temporal'
import { fault, findFault, partsOf, type RuleFault } from './recurrence-rule.ts'

/** `from: 'due'` keeps to the dates of the rule; `from: 'completion'` starts the rule anew on the day of completion. */
export type Recurrence = { rule: string; from: 'due' | 'completion' }
export type Occurrence = { due: string; rule: string }

// The library walks from one interval of FREQ to the next, and has to be stopped where there is nothing to find. 3,000 days reach the next
// 29 February, which is at most 2,921 days away; 1,000 months reach the next one on a given weekday, at most 40 years away. The calendar
// repeats after 400 years. With the limit on candidates, no rule that `findFault` accepts takes more than about 50 ms.
const maxSteps = { DAILY: 3000, WEEKLY: 1000, MONTHLY: 1000, YEARLY: 400 }
const maxCandidates = 50_000

/**
 * The fault of the rule of a task that is due on `due`, or null. Check again when `due` changes: whether `INTERVAL=7;BYDAY=TU` of
 * days has a date depends on it. The due date counts if it is one of the rule, so the last task of a series can be sent back as it was read.
 */
export function checkRule(rule: string, due: string | null): RuleFault | null {
  const found = findFault(rule)
  if (found !== null) return found
  const start = due ?? '2000-01-01' // any day: without a due date the series starts on completion
  if (findDate(rule, { start, after: start, inclusive: true }) !== null) return null
  const parts = partsOf(rule)
  const part = ['BYSETPOS', 'BYMONTHDAY', 'BYDAY', 'BYMONTH', 'BYYEARDAY'].find(name => parts[name] !== undefined) ?? 'INTERVAL'
  return fault(part, 'leaves no date. Change it, or the part or the due date that contradicts it.')
}

/**
 * The occurrence after one that is completed, or null at the end of the series. `checkRule` has accepted the rule.
 * - The due date is after the completion too: dates that passed are skipped, as with `++` in Org mode. Otherwise a late completion
 *   would be followed by a task that is overdue already, once for each date.
 * - COUNT is the number of tasks that remain, with the completed one. So skipped dates do not count, and neither does it matter whether
 *   the first due date is one of the rule. A series that ends on a day has UNTIL.
 */
export function nextOccurrence({ rule, from }: Recurrence, due: string | null, completedOn: string): Occurrence | null {
  const { COUNT, UNTIL } = partsOf(rule)
  if (COUNT === '1') return null
  const start = from === 'due' && due !== null ? due : completedOn
  const next = findDate(rule, { start, after: start > completedOn ? start : completedOn })
  if (next === null || (UNTIL !== undefined && next.replaceAll('-', '') > UNTIL)) return null
  return { due: next, rule: rule.replace(/COUNT=\d+/, `COUNT=${Number(COUNT) - 1}`) }
}

/** The first date after another, or on it, of the series that starts on `start`. COUNT and UNTIL do not matter. */
function findDate(rule: string, { start, after, inclusive = false }: { start: string; after: string; inclusive?: boolean }): string | null {
  const endless = rule.split(';').filter(part => !/^(COUNT|UNTIL)=/.test(part))
  const series = new RRuleTemporal({
    rruleString: `DTSTART;VALUE=DATE:${start.replaceAll('-', '')}\nRRULE:${endless.join(';')};UNTIL=99991231`, // the last CalendarDate
    strict: true,
    maxIterations: maxSteps[partsOf(rule).FREQ as keyof typeof maxSteps],
    maxCandidateEvaluations: maxCandidates,
  })
  try {
    return series.next(new Date(after), inclusive)?.toPlainDate().toString() ?? null
  } catch (error) {
    if (error instanceof Error && /^Maximum (iterations|candidate evaluations) /.test(error.message)) return null
    throw error
  }
}
