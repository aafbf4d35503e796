// An independent reading of RFC 5545, section 3.3.10, for rules on dates: it tries one day after the other. Slow, and without any code of
// the library that it checks. A date belongs to a rule if its interval of FREQ counts, and if it fits every BY part.
const day = 86_400_000
const weekdays = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']
type Span = { begin: number; end: number }

/** The first date after another, within so many days, of the series that starts on `start`. */
export function searchDate(rule: string, start: string, after: string, maxDays: number): string | null {
  const matches = createMatch(rule, Date.parse(start))
  for (let time = Date.parse(after) + day; time <= Date.parse(after) + maxDays * day; time += day)
    if (matches(time)) return new Date(time).toISOString().slice(0, 10)
  return null
}

function createMatch(rule: string, start: number): (time: number) => boolean {
  const parts: Record<string, string> = Object.fromEntries(rule.split(';').map(part => part.split('=')))
  const { FREQ = '', INTERVAL = '1', WKST = 'MO' } = parts
  const numbers = (name: string) => parts[name]?.split(',').map(Number)
  const [months, weeks, yearDays, positions] = ['BYMONTH', 'BYWEEKNO', 'BYYEARDAY', 'BYSETPOS'].map(numbers)
  const weekOf = (time: number) => time - ((weekday(time) - weekdays.indexOf(WKST) + 7) % 7) * day
  const firstWeek = (year: number) => weekOf(monthOf(year, 0).begin + 3 * day) // the week of 4 January
  const days = parts.BYDAY?.split(',') ?? (FREQ === 'WEEKLY' ? [weekdays[weekday(start)] as string] : undefined)
  // A rule of months or years without days has the day, and a rule of years without months has the month, of its start.
  const startsDay = (FREQ === 'MONTHLY' || FREQ === 'YEARLY') && !parts.BYDAY && !yearDays
  const monthDays = numbers('BYMONTHDAY') ?? (startsDay ? [new Date(start).getUTCDate()] : undefined)
  const ownMonths = months ?? (startsDay && FREQ === 'YEARLY' && !parts.BYMONTHDAY ? [new Date(start).getUTCMonth() + 1] : undefined)

  const interval = (time: number): Span => {
    if (FREQ === 'DAILY') return { begin: time, end: time + day }
    if (FREQ === 'WEEKLY') return { begin: weekOf(time), end: weekOf(time) + 7 * day }
    return FREQ === 'MONTHLY' ? monthOf(yearOf(time), new Date(time).getUTCMonth()) : yearSpan(time)
  }
  const intervalNumber = (time: number) => {
    if (FREQ === 'DAILY') return time / day
    if (FREQ === 'WEEKLY') return weekOf(time) / day / 7
    return FREQ === 'MONTHLY' ? yearOf(time) * 12 + new Date(time).getUTCMonth() : yearOf(time)
  }
  const inWeek = (time: number) => {
    const year = [yearOf(time) + 1, yearOf(time), yearOf(time) - 1].find(each => firstWeek(each) <= time) as number
    return weeks === undefined || has(weeks, (time - firstWeek(year)) / day / 7, (firstWeek(year + 1) - firstWeek(year)) / day / 7)
  }
  const onWeekday = (time: number) => {
    const { begin, end } = FREQ === 'MONTHLY' || months ? monthOf(yearOf(time), new Date(time).getUTCMonth()) : yearSpan(time)
    const before = Math.floor((time - begin) / day / 7)
    const total = before + Math.ceil((end - time) / day / 7)
    return (days ?? []).some(each => {
      const number = Number.parseInt(each, 10)
      return each.endsWith(weekdays[weekday(time)] as string) && (Number.isNaN(number) || has([number], before, total))
    })
  }
  const fits = (time: number) => {
    const date = new Date(time)
    const [month, year] = [monthOf(yearOf(time), date.getUTCMonth()), yearSpan(time)]
    if (ownMonths !== undefined && !ownMonths.includes(date.getUTCMonth() + 1)) return false
    if (monthDays !== undefined && !has(monthDays, date.getUTCDate() - 1, (month.end - month.begin) / day)) return false
    if (yearDays !== undefined && !has(yearDays, (time - year.begin) / day, (year.end - year.begin) / day)) return false
    return inWeek(time) && (days === undefined || onWeekday(time))
  }
  return time => {
    if (Math.round(intervalNumber(time) - intervalNumber(start)) % Number(INTERVAL) !== 0 || !fits(time)) return false
    if (positions === undefined) return true
    const { begin, end } = interval(time)
    const set = Array.from({ length: (end - begin) / day }, (_, index) => begin + index * day).filter(fits)
    return has(positions, set.indexOf(time), set.length)
  }
}

/** Whether the place of something, from 0, is among numbers that count from 1, or from -1 backwards. */
function has(numbers: number[], place: number, total: number): boolean {
  return numbers.includes(Math.floor(place) + 1) || numbers.includes(Math.floor(place) - total)
}

function monthOf(year: number, month: number): Span {
  return { begin: new Date(0).setUTCFullYear(year, month, 1), end: new Date(0).setUTCFullYear(year, month + 1, 1) }
}

function yearSpan(time: number): Span {
  return { begin: monthOf(yearOf(time), 0).begin, end: monthOf(yearOf(time) + 1, 0).begin }
}

function yearOf(time: number): number {
  return new Date(time).getUTCFullYear()
}

function weekday(time: number): number {
  return new Date(time).getUTCDay()
}
