// Days of the calendar: which one an instant is on, and dates and instants moved by some.

// TypeScript 5 has no types of Temporal.
type Instant = {
  epochMilliseconds: number
  toZonedDateTimeISO: (zone: string) => ZonedDateTime
  round: (unit: 'microsecond') => Instant
}
type ZonedDateTime = {
  add: (duration: { days: number }) => ZonedDateTime
  toPlainDate: () => object
  toInstant: () => Instant
}
declare const Temporal: { Instant: { from: (text: string) => Instant } }

const msPerDay = 86_400_000
const [firstDay, lastDay] = ['0001-01-01', '9999-12-31'] // of the spec
const [firstInstant, lastInstant] = [`${firstDay}T00:00:00Z`, `${lastDay}T23:59:59Z`]

/** The day of an instant in a time zone. */
export const dayOf = (instant: string, zone: string): string =>
  String(Temporal.Instant.from(instant).toZonedDateTimeISO(zone).toPlainDate())

/** The same instant as a row shows it: in UTC, to the microsecond. */
export const normalInstant = (instant: string): string => String(Temporal.Instant.from(instant).round('microsecond'))

export const daysBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / msPerDay

/** The date some days later, within the dates of the spec: none may get lost, because a `dueTime` needs one. */
export function moveDate(date: string, days: number): string {
  const time = Date.parse(date) + days * msPerDay
  if (time < Date.parse(firstDay)) return firstDay
  return time > Date.parse(lastDay) ? lastDay : new Date(time).toISOString().slice(0, 10)
}

/** The instant some days later at the same time of the wall clock. Where the clock skips that time, it is as much later as the gap is long. */
export function moveInstant(instant: string, days: number, zone: string): string {
  const moved = Temporal.Instant.from(instant).toZonedDateTimeISO(zone).add({ days }).toInstant()
  if (moved.epochMilliseconds < Date.parse(firstInstant)) return firstInstant
  return moved.epochMilliseconds > Date.parse(lastInstant) ? lastInstant : String(moved)
}
