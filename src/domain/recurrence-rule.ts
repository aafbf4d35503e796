// The grammar of the rule of a recurring task: an RRULE of RFC 5545 (section 3.3.10) on dates. It is stored as it was sent, so it has one
// spelling: capital letters, no white space, no "RRULE:". The library ignores unknown parts, drops numbers out of range and takes the last
// of two equal parts, all of them silently. So every part is checked here.
export type RuleFault = {
  /** the part of the rule, such as `BYDAY`; `RRULE` for the text as a whole */
  part: string
  /** a sentence about the part that says what to write instead */
  message: string
}
type Parts = Readonly<Record<string, string>>

const maxRuleLength = 500
const weekday = /^(MO|TU|WE|TH|FR|SA|SU)$/
const numberedWeekday = /^([+-]?([1-9]|[1-4]\d|5[0-3]))?(MO|TU|WE|TH|FR|SA|SU)$/
const weekdaysOfMonth = /^([+-]?[1-5]?[A-Z]{2}(,|$))+$/
// Every weekday occurs 52 times in a year. The library takes the 53rd from the next year where there is none, and mixes up weekdays with
// and without a number.
const weekdaysOfYear = /^([A-Z,]+|([+-]?([1-9]|[1-4]\d|5[0-2])[A-Z]{2}(,|$))+)$/

/** The values of each part, and how to write them. */
const forms = new Map<string, { accepts: (value: string) => boolean; message: string }>(
  Object.entries({
    FREQ: { accepts: value => /^(DAILY|WEEKLY|MONTHLY|YEARLY)$/.test(value), message: 'must be DAILY, WEEKLY, MONTHLY or YEARLY.' },
    INTERVAL: { accepts: number(9999), message: 'must be a number from 1 to 9999.' },
    COUNT: { accepts: number(9999), message: 'must be a number from 1 to 9999.' },
    UNTIL: { accepts: isDate, message: 'must be a date without a time, such as UNTIL=20271231.' },
    WKST: { accepts: value => weekday.test(value), message: 'must be a weekday, such as WKST=SU.' },
    BYMONTH: { accepts: list(number(12)), message: 'must be months from 1 to 12, such as BYMONTH=1,7.' },
    BYWEEKNO: { accepts: list(signed(53)), message: 'must be weeks from 1 to 53, or from -53 to -1, such as BYWEEKNO=20.' },
    BYYEARDAY: { accepts: list(signed(366)), message: 'must be days from 1 to 366, or from -366 to -1, such as BYYEARDAY=100.' },
    BYMONTHDAY: { accepts: list(signed(31)), message: 'must be days from 1 to 31, or from -31 to -1, such as BYMONTHDAY=15,-1.' },
    BYDAY: { accepts: list(value => numberedWeekday.test(value)), message: 'must be weekdays, such as BYDAY=MO,WE or BYDAY=-1FR.' },
    BYSETPOS: { accepts: list(signed(366)), message: 'must be positions from 1 to 366, or from -366 to -1, such as BYSETPOS=-1.' },
  }),
)

const time = 'must be left out, because a rule has dates only. Set dueTime instead.'
const exception = 'must be left out, because a series has no exceptions. Complete or move the task of that date instead.'
const calendar = 'must be left out, because the calendar is always Gregorian.'
const refused = new Map(
  Object.entries({
    BYHOUR: time,
    BYMINUTE: time,
    BYSECOND: time,
    RSCALE: calendar,
    SKIP: calendar,
    DTSTART: 'must be left out, because a series starts at dueDate.',
    EXDATE: exception,
    EXRULE: exception,
    RDATE: exception,
    RRULE: 'must be left out. Begin with FREQ, such as FREQ=WEEKLY;BYDAY=MO.',
  }),
)

/**
 * The faults of a part together with others: each part is right on its own. RFC 5545 allows some of these combinations. Those
 * of BYWEEKNO, of BYYEARDAY and of numbers with FREQ=YEARLY get wrong dates from the library, or take it seconds. The others have a
 * simpler form.
 */
const conflicts: { part: string; occurs: (rule: Parts) => unknown; message: string }[] = [
  { part: 'FREQ', occurs: ({ FREQ }) => !FREQ, message: 'is required, such as FREQ=WEEKLY.' },
  { part: 'UNTIL', occurs: ({ COUNT }) => COUNT, message: 'must not be combined with COUNT. Leave one of them out.' },
  { part: 'BYWEEKNO', occurs: ({ FREQ }) => FREQ !== 'YEARLY', message: 'needs FREQ=YEARLY.' },
  { part: 'BYWEEKNO', occurs: ({ BYDAY = '1' }) => /\d/.test(BYDAY), message: 'needs weekdays without numbers, such as BYDAY=MO.' },
  {
    part: 'BYWEEKNO',
    occurs: rule => rule.INTERVAL || rule.BYMONTH || rule.BYYEARDAY || rule.BYMONTHDAY || rule.BYSETPOS,
    message: 'can be combined only with BYDAY and WKST. Leave INTERVAL and the other BY parts out.',
  },
  { part: 'BYYEARDAY', occurs: ({ FREQ }) => FREQ !== 'YEARLY', message: 'needs FREQ=YEARLY.' },
  {
    part: 'BYYEARDAY',
    occurs: rule => rule.BYMONTH || rule.BYMONTHDAY || rule.BYDAY || rule.BYSETPOS,
    message: 'must be the only BY part. Leave the others out.',
  },
  { part: 'BYMONTHDAY', occurs: ({ FREQ }) => FREQ === 'WEEKLY', message: 'needs FREQ=MONTHLY or FREQ=YEARLY.' },
  {
    part: 'BYDAY',
    occurs: ({ FREQ, BYDAY = '' }) => /\d/.test(BYDAY) && (FREQ === 'DAILY' || FREQ === 'WEEKLY'),
    message: 'may have numbers only with FREQ=MONTHLY or FREQ=YEARLY, such as FREQ=MONTHLY;BYDAY=1MO.',
  },
  {
    part: 'BYDAY',
    occurs: ({ BYDAY = '', BYMONTHDAY }) => /\d/.test(BYDAY) && BYMONTHDAY,
    message: 'with numbers must not be combined with BYMONTHDAY. Leave one of them out.',
  },
  {
    part: 'BYDAY',
    occurs: ({ FREQ, BYDAY = '', BYMONTH }) => (FREQ === 'MONTHLY' || BYMONTH) && !weekdaysOfMonth.test(BYDAY),
    message: 'must have numbers from 1 to 5 within a month, or from -5 to -1, such as BYDAY=-1FR.',
  },
  {
    part: 'BYDAY',
    occurs: ({ FREQ, BYDAY = '', BYMONTH }) => FREQ === 'YEARLY' && !BYMONTH && !weekdaysOfYear.test(BYDAY),
    message: 'must have numbers from 1 to 52 at all weekdays or at none. With BYMONTH the numbers count within a month.',
  },
  {
    part: 'BYSETPOS',
    occurs: ({ FREQ }) => FREQ === 'DAILY' || FREQ === 'WEEKLY',
    message: 'needs FREQ=MONTHLY or FREQ=YEARLY. Name the weekdays instead, such as BYDAY=MO.',
  },
  {
    part: 'BYSETPOS',
    occurs: ({ BYMONTHDAY, BYDAY }) => !BYMONTHDAY && !BYDAY,
    message: 'needs days to choose from, such as BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1.',
  },
]

/** The first fault of a rule. */
export function findFault(text: string): RuleFault | null {
  if (text.length > maxRuleLength) return fault('RRULE', `must have at most ${maxRuleLength} characters.`)
  const parts: Record<string, string> = Object.create(null)
  for (const part of text.split(';')) {
    const [, name, value] = /^([A-Z]+)=([A-Z0-9,+-]+)$/.exec(part) ?? []
    if (name === undefined || value === undefined) return malformed(part)
    if (parts[name] !== undefined) return fault(name, 'must appear once. Separate values by commas, such as BYDAY=MO,WE.')
    const message = refusal(name, value)
    if (message !== null) return fault(name, message)
    parts[name] = value
  }
  const conflict = conflicts.find(({ part, occurs }) => (part === 'FREQ' || parts[part] !== undefined) && occurs(parts))
  return conflict === undefined ? null : fault(conflict.part, conflict.message)
}

export function fault(part: string, remedy: string): RuleFault {
  return { part, message: `${part} ${remedy}` }
}

export function partsOf(rule: string): Parts {
  return Object.fromEntries(rule.split(';').map(part => part.split('=')))
}

function malformed(part: string): RuleFault {
  const name = /^[A-Z]+(?=[:=]|$)/.exec(part.toUpperCase())?.[0]
  const remedy = name === undefined ? undefined : refused.get(name)
  return fault(name ?? 'RRULE', remedy ?? 'must be written like FREQ=WEEKLY;BYDAY=MO, in capital letters and without spaces.')
}

function refusal(name: string, value: string): string | null {
  const form = forms.get(name)
  if (form === undefined) return refused.get(name) ?? `is unknown. Write one of ${[...forms.keys()].join(', ')}.`
  return form.accepts(value) ? null : form.message
}

function isDate(text: string): boolean {
  const date = text.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3')
  const time = Date.parse(date)
  return date !== text && date > '0001' && !Number.isNaN(time) && new Date(time).toISOString().startsWith(date)
}

function list(accepts: (value: string) => boolean) {
  return (value: string) => value.split(',').every(accepts)
}

function number(max: number) {
  return (value: string) => /^[1-9]\d{0,3}$/.test(value) && Number(value) <= max
}

function signed(max: number) {
  return (value: string) => number(max)(value.replace(/^[+-]/, ''))
}
