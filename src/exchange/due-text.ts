// The due texts of Todoist that have one meaning. Todoist understands many more, but a guess would move a task to another day.
import type { Recurrence } from './item.ts'

export type Due = { dueDate: string; dueTime: string | null; recurrence: Recurrence | null }

const months = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')
const weekdays = 'sun mon tue wed thu fri sat'.split(' ')
const monthName = /^(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?)$/
const weekdayName = /^(sun(day)?|mon(day)?|tues?(day)?|wed(nesday)?|thu(rs?)?(day)?|fri(day)?|sat(urday)?)$/
const clockTime = /(?: at | @ ?|[ t])(?:(\d{1,2}):(\d\d)(?::00)?(?: ?([ap])m)?|(\d{1,2}) ?([ap])m)$/
const adverbs = new Map([
  ['daily', 'every day'],
  ['weekly', 'every week'],
  ['monthly', 'every month'],
  ['yearly', 'every year'],
])

/** Null for a text with no meaning, or several. A day without a year is the next one from today. */
export function parseDue(text: string, today: string): Due | null {
  const words = text.trim().toLowerCase().replace(/\s+/g, ' ')
  const clock = clockTime.exec(words)
  const day = clock === null ? words : words.slice(0, clock.index)
  const dueTime = clock === null ? null : timeOf(clock)
  if (dueTime === undefined) return null
  const dueDate = parseDate(day, today)
  if (dueDate !== null) return { dueDate, dueTime, recurrence: null }
  const series = parseSeries(day, today)
  return series === null ? null : { ...series, dueTime }
}

/** `2027-02-11`, `11 Feb 2027`, `Feb 11 2027`, or without the year. */
export function parseDate(text: string, today: string): string | null {
  const words = text.trim().toLowerCase().replace(/,/g, ' ').split(/\s+/)
  if (words.length === 1) return existing(words[0] as string)
  const month = words.slice(0, 2).find(word => monthName.test(word))
  const day = /^(\d{1,2})(st|nd|rd|th)?$/.exec(words.slice(0, 2).find(word => word !== month) ?? '')?.[1]
  const year = words[2]
  if (month === undefined || day === undefined || words.length > 3 || (year !== undefined && !/^\d{4}$/.test(year))) return null
  const monthDay = `${padded(months.indexOf(month.slice(0, 3)) + 1)}-${padded(Number(day))}`
  if (year !== undefined) return existing(`${year}-${monthDay}`)
  const years = Array.from({ length: 9 }, (_, i) => String(Number(today.slice(0, 4)) + i).padStart(4, '0')) // 29 February may be 8 years away
  return years.map(year => existing(`${year}-${monthDay}`)).find(date => date !== null && date >= today) ?? null
}

type Series = { dueDate: string; recurrence: Recurrence }

function parseSeries(text: string, today: string): Series | null {
  const [, strict, cycle = '', start] = /^every(!)? (.+?)(?: (?:starting|from) (.+))?$/.exec(adverbs.get(text) ?? text) ?? []
  const earliest = start === undefined ? today : parseDate(start, today)
  if (cycle === '' || earliest === null) return null
  const from = strict === undefined ? 'due' : 'completion'
  const series = everyUnit(cycle) ?? everyWeekday(cycle) ?? everyDayOfMonth(cycle)
  if (series !== null) return { dueDate: firstDay(earliest, series.fits), recurrence: { rule: series.rule, from } }
  const dueDate = /\d{4}/.test(cycle) ? null : parseDate(cycle, earliest)
  return dueDate === null ? null : { dueDate, recurrence: { rule: 'FREQ=YEARLY', from } }
}

type Cycle = { rule: string; fits: (day: Date) => boolean } | null

function everyUnit(text: string): Cycle {
  const [, count = '1', unit] = /^(?:([1-9]\d{0,2}|other) )?(day|week|month|year)s?$/.exec(text) ?? []
  if (unit === undefined) return null
  const frequency = unit === 'day' ? 'DAILY' : `${unit.toUpperCase()}LY`
  return { rule: `FREQ=${frequency}${interval(count)}`, fits: () => true }
}

function everyWeekday(text: string): Cycle {
  const [, other, names = ''] = /^(other )?(.+)$/.exec(text) ?? []
  const list = /^(weekday|workday)s?$/.test(names) ? weekdays.slice(1, 6) : names.split(/(?:,? and |, ?)/)
  if (!list.every(name => weekdayName.test(name))) return null
  const days = weekdays.map((name, i) => ({ i, code: name.slice(0, 2).toUpperCase(), isIn: list.some(each => each.startsWith(name)) }))
  const chosen = days.filter(({ isIn }) => isIn)
  const rule = `FREQ=WEEKLY${interval(other === undefined ? '1' : 'other')};BYDAY=${chosen.map(({ code }) => code).join(',')}`
  return { rule, fits: day => chosen.some(({ i }) => i === day.getUTCDay()) }
}

function everyDayOfMonth(text: string): Cycle {
  if (text === 'last day') return { rule: 'FREQ=MONTHLY;BYMONTHDAY=-1', fits: day => new Date(+day + msPerDay).getUTCDate() === 1 }
  const number = Number(/^(\d{1,2})(st|nd|rd|th)$/.exec(text)?.[1])
  return number >= 1 && number <= 31 ? { rule: `FREQ=MONTHLY;BYMONTHDAY=${number}`, fits: day => day.getUTCDate() === number } : null
}

const msPerDay = 86_400_000

function firstDay(from: string, fits: (day: Date) => boolean): string {
  let day = new Date(`${from}T00:00Z`)
  while (!fits(day)) day = new Date(+day + msPerDay) // at most 61 days: there is a 31st in every second month
  return day.toISOString().slice(0, 10)
}

function timeOf([, hour, minute = '00', half, wholeHour, wholeHalf]: RegExpExecArray): string | undefined {
  const number = Number(hour ?? wholeHour)
  const letter = half ?? wholeHalf
  if (letter !== undefined && (number < 1 || number > 12)) return undefined
  const hours = letter === undefined ? number : (number % 12) + (letter === 'p' ? 12 : 0)
  return hours < 24 && minute < '60' ? `${padded(hours)}:${minute}` : undefined
}

function existing(date: string): string | null {
  const time = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(date) : Number.NaN
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date) ? date : null
}

function interval(count: string): string {
  if (count === '1') return ''
  return `;INTERVAL=${count === 'other' ? '2' : count}`
}

function padded(number: number): string {
  return String(number).padStart(2, '0')
}
