// Days, times and rules as iCalendar writes them. A rule of a task has dates only; with a time, the RFC wants the end of the rule as an instant.

/** A local time with its zone, where null is the zone of whoever looks at it. No time is a whole day. */
export type CalendarTime = { date: string; time: string | null; zone: string | null }

// TypeScript 5 has no types of Temporal.
type Zoned = { toInstant: () => { toString: () => string }; toPlainDate: () => { toString: () => string } }
declare const Temporal: {
  Instant: { from: (text: string) => { toZonedDateTimeISO: (zone: string) => Zoned } }
  PlainDateTime: {
    from: (text: string) => { toZonedDateTime: (zone: string) => Zoned; add: (duration: string) => { toString: () => string } }
  }
}

/** `2027-02-11T17:40:03.118402Z` to the second. */
export function compactInstant(instant: string): string {
  return `${instant.slice(0, 19).replace(/[-:]/g, '')}Z`
}

export function compactDate(date: string): string {
  return date.replaceAll('-', '')
}

/** Parameters and value. The zone is a name from the IANA database and there is no VTIMEZONE, as RFC 7809 allows. */
export function timeProperty(name: string, { date, time, zone }: CalendarTime): string {
  if (time === null) return `${name};VALUE=DATE:${compactDate(date)}`
  const local = `${compactDate(date)}T${time.replace(':', '')}00`
  if (zone === 'UTC') return `${name}:${local}Z`
  return zone === null ? `${name}:${local}` : `${name};TZID=${zone}:${local}`
}

/** The value of a date or time, in the zone of its TZID. Null if it is none. Seconds are dropped: a due time has none. */
export function parseTime(text: string, zone: string | null): CalendarTime | null {
  const [, year, month, day, hour, minute, utc] = /^(\d{4})(\d\d)(\d\d)(?:T([01]\d|2[0-3])([0-5]\d)(?:[0-5]\d|60)(Z)?)?$/.exec(text) ?? []
  const date = `${year}-${month}-${day}`
  if (year === undefined || !isDate(date)) return null
  if (hour === undefined) return { date, time: null, zone }
  return { date, time: `${hour}:${minute}`, zone: utc === undefined ? zone : 'UTC' }
}

export function parseInstant(text: string): string | null {
  const time = /Z$/.test(text) ? parseTime(text, null) : null
  return time === null ? null : `${time.date}T${time.time}:${text.slice(13, 15).replace('60', '59')}Z`
}

/** The day in another zone, for a time in UTC. Any other time stays as it is. */
export function dayIn(zone: string | null, { date, time, zone: own }: CalendarTime): string {
  if (time === null || own !== 'UTC' || zone === null || zone === 'UTC') return date
  return Temporal.Instant.from(`${date}T${time}Z`).toZonedDateTimeISO(zone).toPlainDate().toString()
}

/** The rule with its last day as the last second of that day, if the series has a time. */
export function writeRule(rule: string, { time, zone }: CalendarTime): string {
  return rule.replace(/UNTIL=(\d{4})(\d\d)(\d\d)/, (until, year, month, day) => {
    if (time === null) return until
    if (zone === null) return `${until}T235959`
    const end = Temporal.PlainDateTime.from(`${year}-${month}-${day}T23:59:59`).toZonedDateTime(zone).toInstant().toString()
    return `UNTIL=${/^\d{4}-/.test(end) ? compactInstant(end) : '99991231T235959Z'}`
  })
}

/** The rule with its last day as a day: in the zone of the series, if it has one. */
export function readRule(text: string, zone: string | null): string {
  const rule = text.trim().toUpperCase().replace(/;$/, '')
  return rule.replace(/UNTIL=(\d{8}T\d{6}Z?)/, (until, value) => {
    const last = parseTime(value, null)
    return last === null ? until : `UNTIL=${compactDate(dayIn(zone, last))}`
  })
}

/** Hours count as on the clock, also where it is changed in between. Null if the duration is none, or too long. */
export function addDuration({ date, time, zone }: CalendarTime, duration: string): CalendarTime | null {
  try {
    const [day, clock = ''] = Temporal.PlainDateTime.from(`${date}T${time ?? '00:00'}`)
      .add(duration)
      .toString()
      .split('T')
    return { date: day as string, time: time === null && clock === '00:00:00' ? null : clock.slice(0, 5), zone }
  } catch {
    return null
  }
}

function isDate(date: string): boolean {
  const time = Date.parse(date)
  return date > '0001' && !Number.isNaN(time) && new Date(time).toISOString().startsWith(date)
}
