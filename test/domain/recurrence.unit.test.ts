import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkRule, nextOccurrence, type Recurrence } from '../../src/domain/recurrence.ts'
import { searchDate } from '../support/calendar.ts'

/** The due dates of a series whose tasks are completed on time. */
function walk(rule: string, due: string, maxDates: number, from: Recurrence['from'] = 'due'): string[] {
  const dates = [due]
  for (let at = { due, rule }; dates.length < maxDates; dates.push(at.due)) {
    const next = nextOccurrence({ rule: at.rule, from }, at.due, at.due)
    if (next === null) break
    at = next
  }
  return dates
}

/** `1997: 12-31 1998: 01-01` as dates */
function datesOf(text: string): string[] {
  return [...text.matchAll(/(\d{4}):((?: \d\d-\d\d)+)/g)].flatMap(([, year, days = '']) =>
    days
      .trim()
      .split(' ')
      .map(day => `${year}-${day}`),
  )
}

describe('the examples of RFC 5545, section 3.8.5.3, as dates:', () => {
  test.for<[string, string]>([
    ['FREQ=DAILY;COUNT=10', '1997: 09-02 09-03 09-04 09-05 09-06 09-07 09-08 09-09 09-10 09-11'],
    ['FREQ=DAILY;UNTIL=19970912', '1997: 09-02 09-03 09-04 09-05 09-06 09-07 09-08 09-09 09-10 09-11 09-12'],
    ['FREQ=DAILY;INTERVAL=2', '1997: 09-02 09-04 09-06 09-08 09-10 09-12 09-14'],
    ['FREQ=DAILY;INTERVAL=10;COUNT=5', '1997: 09-02 09-12 09-22 10-02 10-12'],
    ['FREQ=WEEKLY;COUNT=10', '1997: 09-02 09-09 09-16 09-23 09-30 10-07 10-14 10-21 10-28 11-04'],
    [
      'FREQ=WEEKLY;UNTIL=19971224',
      '1997: 09-02 09-09 09-16 09-23 09-30 10-07 10-14 10-21 10-28 11-04 11-11 11-18 11-25 12-02 12-09 12-16 12-23',
    ],
    ['FREQ=WEEKLY;INTERVAL=2;WKST=SU', '1997: 09-02 09-16 09-30 10-14 10-28 11-11 11-25'],
    ['FREQ=WEEKLY;UNTIL=19971007;WKST=SU;BYDAY=TU,TH', '1997: 09-02 09-04 09-09 09-11 09-16 09-18 09-23 09-25 09-30 10-02 10-07'],
    ['FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH', '1997: 09-02 09-04 09-09 09-11 09-16 09-18 09-23 09-25 09-30 10-02'],
    [
      'FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224;WKST=SU;BYDAY=MO,WE,FR',
      '1997: 09-01 09-03 09-05 09-15 09-17 09-19 09-29 10-01 10-03 10-13 10-15 10-17 10-27 10-29 10-31 11-10 11-12 11-14 11-24 11-26 11-28 12-08 12-10 12-12 12-22 12-24',
    ],
    ['FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH', '1997: 09-02 09-04 09-16 09-18 09-30 10-02 10-14 10-16'],
    ['FREQ=MONTHLY;COUNT=10;BYDAY=1FR', '1997: 09-05 10-03 11-07 12-05 1998: 01-02 02-06 03-06 04-03 05-01 06-05'],
    ['FREQ=MONTHLY;UNTIL=19971224;BYDAY=1FR', '1997: 09-05 10-03 11-07 12-05'],
    ['FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU', '1997: 09-07 09-28 11-02 11-30 1998: 01-04 01-25 03-01 03-29 05-03 05-31'],
    ['FREQ=MONTHLY;COUNT=6;BYDAY=-2MO', '1997: 09-22 10-20 11-17 12-22 1998: 01-19 02-16'],
    ['FREQ=MONTHLY;BYMONTHDAY=-3', '1997: 09-28 10-29 11-28 12-29 1998: 01-29 02-26 03-29'],
    ['FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15', '1997: 09-02 09-15 10-02 10-15 11-02 11-15 12-02 12-15 1998: 01-02 01-15'],
    ['FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1', '1997: 09-30 10-01 10-31 11-01 11-30 12-01 12-31 1998: 01-01 01-31 02-01'],
    [
      'FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15',
      '1997: 09-10 09-11 09-12 09-13 09-14 09-15 1999: 03-10 03-11 03-12 03-13',
    ],
    ['FREQ=MONTHLY;INTERVAL=2;BYDAY=TU', '1997: 09-02 09-09 09-16 09-23 09-30 11-04 11-11'],
    ['FREQ=YEARLY;COUNT=10;BYMONTH=6,7', '1997: 06-10 07-10 1998: 06-10 07-10 1999: 06-10 07-10 2000: 06-10 07-10 2001: 06-10 07-10'],
    [
      'FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3',
      '1997: 03-10 1999: 01-10 02-10 03-10 2001: 01-10 02-10 03-10 2003: 01-10 02-10 03-10',
    ],
    [
      'FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200',
      '1997: 01-01 04-10 07-19 2000: 01-01 04-09 07-18 2003: 01-01 04-10 07-19 2006: 01-01',
    ],
    ['FREQ=YEARLY;BYDAY=20MO', '1997: 05-19 1998: 05-18 1999: 05-17 2000: 05-15 2001: 05-14 2002: 05-20 2003: 05-19'],
    ['FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO', '1997: 05-12 1998: 05-11 1999: 05-17 2000: 05-15 2001: 05-14 2002: 05-13 2003: 05-12'],
    ['FREQ=YEARLY;BYMONTH=3;BYDAY=TH', '1997: 03-13 03-20 03-27 1998: 03-05 03-12 03-19 03-26'],
    ['FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8', '1997: 06-05 06-12 06-19 06-26 07-03 07-10 07-17'],
    ['FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13', '1998: 02-13 03-13 11-13 1999: 08-13 2000: 10-13 2001: 04-13 07-13'],
    ['FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13', '1997: 09-13 10-11 11-08 12-13 1998: 01-10 02-07 03-07'],
    [
      'FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8',
      '1996: 11-05 2000: 11-07 2004: 11-02 2008: 11-04 2012: 11-06 2016: 11-08 2020: 11-03',
    ],
    ['FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3', '1997: 09-04 10-07 11-06'],
    ['FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2', '1997: 09-29 10-30 11-27 12-30 1998: 01-29 02-26 03-30'],
    ['FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5', '2007: 01-15 01-30 02-15 03-15 03-30'],
    ['FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO', '1997: 08-05 08-10 08-19 08-24'],
    ['FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU', '1997: 08-05 08-17 08-19 08-31'],
  ])('%s', ([rule, text]) => {
    const dates = datesOf(text)
    const ends = /COUNT|UNTIL/.test(rule)
    expect(checkRule(rule, dates[0] as string)).toBeNull()
    expect(walk(rule, dates[0] as string, ends ? 100 : dates.length)).toEqual(dates)
  })

  test('every day in January, for three years, has two forms', () => {
    const januaries = ['1998', '1999', '2000'].flatMap(year =>
      Array.from({ length: 31 }, (_, day) => `${year}-01-${`${day + 1}`.padStart(2, '0')}`),
    )
    expect(walk('FREQ=YEARLY;UNTIL=20000131;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA', '1998-01-01', 200)).toEqual(januaries)
    expect(walk('FREQ=DAILY;UNTIL=20000131;BYMONTH=1', '1998-01-01', 200)).toEqual(januaries)
  })
})

describe('the calendar:', () => {
  test.for<[string, string, string]>([
    ['a month without a 31st is skipped', 'FREQ=MONTHLY', '2027: 01-31 03-31 05-31 07-31 08-31 10-31 12-31'],
    ['the 31st by its number', 'FREQ=MONTHLY;BYMONTHDAY=31', '2027: 10-31 12-31 2028: 01-31 03-31'],
    ['the last day of each month', 'FREQ=MONTHLY;BYMONTHDAY=-1', '2027: 12-31 2028: 01-31 02-29 03-31 04-30'],
    ['a birthday on 29 February, over a year that is no leap year', 'FREQ=YEARLY', '2092: 02-29 2096: 02-29 2104: 02-29 2108: 02-29'],
    ['29 February every day of which is tried', 'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29', '2096: 02-29 2104: 02-29'],
    ['29 February that is a Monday', 'FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO', '2072: 02-29 2112: 02-29'],
    ['every second day over the end of a year', 'FREQ=DAILY;INTERVAL=2', '2026: 12-29 12-31 2027: 01-02'],
    ['week 53', 'FREQ=YEARLY;BYWEEKNO=53;BYDAY=FR', '2021: 01-01 2027: 01-01 2032: 12-31 2038: 01-01'],
    ['week 1, which begins in the year before', 'FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO', '2024: 12-30 2025: 12-29 2027: 01-04'],
    ['the last working day of each month', 'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1', '2027: 01-29 02-26 03-31 04-30'],
    ['weeks that begin on Monday', 'FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO', '2027: 01-03 01-11 01-17'],
    ['weeks that begin on Sunday', 'FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU', '2027: 01-03 01-04 01-17'],
    ['the first years', 'FREQ=YEARLY', '0001: 01-01 0002: 01-01 0003: 01-01'],
  ])('%s', ([, rule, text]) => {
    const dates = datesOf(text)
    expect(walk(rule, dates[0] as string, dates.length)).toEqual(dates)
  })

  test('a series ends with the calendar', () => {
    expect(walk('FREQ=DAILY;COUNT=9', '9999-12-30', 9)).toEqual(['9999-12-30', '9999-12-31'])
    expect(checkRule('FREQ=DAILY', '9999-12-31')).toBeNull()
    expect(nextOccurrence({ rule: 'FREQ=YEARLY;INTERVAL=9999', from: 'due' }, '2027-01-01', '2027-01-01')).toBeNull()
  })
})

describe('the end of a series:', () => {
  test('COUNT is what remains, and the last task has none after it', () => {
    const at = (rule: string) => nextOccurrence({ rule, from: 'due' }, '2027-01-04', '2027-01-04')
    expect(at('FREQ=WEEKLY;COUNT=10;BYDAY=MO')).toEqual({ due: '2027-01-11', rule: 'FREQ=WEEKLY;COUNT=9;BYDAY=MO' })
    expect(at('COUNT=2;FREQ=WEEKLY')).toEqual({ due: '2027-01-11', rule: 'COUNT=1;FREQ=WEEKLY' })
    expect(at('FREQ=WEEKLY;COUNT=1')).toBeNull()
  })

  test('dates that a late completion skips do not count', () => {
    const next = nextOccurrence({ rule: 'FREQ=DAILY;COUNT=3', from: 'due' }, '2027-01-01', '2027-01-09')
    expect(next).toEqual({ due: '2027-01-10', rule: 'FREQ=DAILY;COUNT=2' })
  })

  test('a first due date that is no date of the rule counts', () => {
    expect(walk('FREQ=WEEKLY;BYDAY=MO;COUNT=3', '2027-01-06', 9)).toEqual(['2027-01-06', '2027-01-11', '2027-01-18'])
  })

  test('UNTIL is the last date, also after a late completion', () => {
    const rule = 'FREQ=WEEKLY;UNTIL=20270118'
    expect(walk(rule, '2027-01-04', 9)).toEqual(['2027-01-04', '2027-01-11', '2027-01-18'])
    expect(walk('FREQ=WEEKLY;UNTIL=20270117', '2027-01-04', 9)).toEqual(['2027-01-04', '2027-01-11'])
    expect(nextOccurrence({ rule, from: 'due' }, '2027-01-04', '2027-01-18')).toBeNull()
  })

  test.for(['FREQ=WEEKLY;COUNT=1', 'FREQ=WEEKLY;UNTIL=20270104', 'FREQ=WEEKLY;UNTIL=20260101', 'FREQ=YEARLY;INTERVAL=9999'])(
    'the last task of %s can be sent back as it was read',
    rule => {
      expect(nextOccurrence({ rule, from: 'due' }, '2027-01-04', '2027-01-04')).toBeNull()
      expect(checkRule(rule, '2027-01-04')).toBeNull()
    },
  )
})

describe('a completion that is not on time:', () => {
  test.for<[string, Recurrence['from'], string, string, string, string]>([
    ['three weeks late keeps to the weekday and is in the future', 'due', 'FREQ=WEEKLY', '2027-01-04', '2027-01-27', '2027-02-01'],
    ['on a later date of the rule is followed by the one after', 'due', 'FREQ=WEEKLY', '2027-01-04', '2027-01-11', '2027-01-18'],
    ['late keeps to every third day', 'due', 'FREQ=DAILY;INTERVAL=3', '2027-01-01', '2027-01-05', '2027-01-07'],
    ['late keeps to the 31st', 'due', 'FREQ=MONTHLY', '2027-01-31', '2027-04-15', '2027-05-31'],
    ['early is followed by the date after the due date', 'due', 'FREQ=WEEKLY', '2027-01-11', '2027-01-05', '2027-01-18'],
    ['after two thousand years', 'due', 'FREQ=DAILY;INTERVAL=7', '0001-01-01', '2027-01-01', '2027-01-04'],
    ['late starts a rule of completions anew', 'completion', 'FREQ=DAILY;INTERVAL=3', '2027-01-01', '2027-01-05', '2027-01-08'],
    ['early starts it anew as well', 'completion', 'FREQ=MONTHLY', '2027-01-31', '2027-01-15', '2027-02-15'],
    ['keeps to the weekdays of such a rule', 'completion', 'FREQ=WEEKLY;BYDAY=MO', '2027-01-04', '2027-01-06', '2027-01-11'],
  ])('%s', ([, from, rule, due, completedOn, expected]) => {
    expect(nextOccurrence({ rule, from }, due, completedOn)).toEqual({ due: expected, rule })
  })

  test.for<Recurrence['from']>(['due', 'completion'])('without a due date the series starts on completion (%s)', from => {
    expect(nextOccurrence({ rule: 'FREQ=WEEKLY;INTERVAL=2', from }, null, '2027-01-06')?.due).toBe('2027-01-20')
  })
})

describe('a rule without a date is refused by the part that leaves none:', () => {
  test.for<[string, string]>([
    ['FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', 'BYMONTHDAY'],
    ['FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=-30', 'BYMONTHDAY'],
    ['FREQ=DAILY;BYMONTH=4,6,9,11;BYMONTHDAY=31', 'BYMONTHDAY'],
    ['FREQ=DAILY;INTERVAL=7;BYDAY=TU', 'BYDAY'],
    ['FREQ=MONTHLY;INTERVAL=12;BYMONTH=2', 'BYMONTH'],
    ['FREQ=YEARLY;INTERVAL=4;BYYEARDAY=366', 'BYYEARDAY'],
    ['FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6', 'BYSETPOS'],
    ['FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA;BYSETPOS=366', 'BYSETPOS'],
  ])('%s', ([rule, part]) => {
    expect(checkRule(rule, '2027-01-04')).toEqual({ part, message: expect.stringContaining(`${part} leaves no date`) })
  })

  test('it depends on the due date', () => {
    expect(checkRule('FREQ=DAILY;INTERVAL=7;BYDAY=TU', '2027-01-05')).toBeNull()
    expect(checkRule('FREQ=YEARLY;INTERVAL=4;BYYEARDAY=366', '2028-01-01')).toBeNull()
    expect(checkRule('FREQ=YEARLY;INTERVAL=4;BYYEARDAY=366', null)).toBeNull()
  })

  test('a fault of the text comes first', () => {
    expect(checkRule('FREQ=HOURLY', null)?.part).toBe('FREQ')
  })
})

describe('random rules', () => {
  const weekday = fc.constantFrom('MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU')
  const signed = (max: number) => fc.integer({ min: -max, max }).filter(Boolean)
  const list = (value: fc.Arbitrary<string | number>) => fc.uniqueArray(value, { minLength: 1, maxLength: 4 }).map(String)
  const numbered = (numbers: string[]) => ({ BYDAY: list(fc.tuple(fc.constantFrom(...numbers), weekday).map(parts => parts.join(''))) })
  const INTERVAL = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 6 }) }, fc.integer({ min: 1, max: 9999 }))
  const [BYDAY, BYMONTH] = [list(weekday), list(fc.integer({ min: 1, max: 12 }))]
  const days = { INTERVAL, BYMONTH, BYDAY, BYMONTHDAY: list(signed(31)) }
  const ofMonth = { INTERVAL, BYMONTH, ...numbered(['', '1', '+2', '-1', '-3', '5']) }
  const rules = fc
    .oneof(
      createRule('DAILY', days),
      createRule('WEEKLY', { INTERVAL, WKST: weekday, BYMONTH, BYDAY }),
      createRule('MONTHLY', { ...days, BYSETPOS: list(signed(8)) }),
      createRule('MONTHLY', ofMonth),
      createRule('YEARLY', { ...days, BYSETPOS: list(signed(20)) }),
      createRule('YEARLY', ofMonth),
      createRule('YEARLY', { INTERVAL, ...numbered(['1', '-1', '+20', '-52']) }),
      createRule('YEARLY', { INTERVAL, BYYEARDAY: list(signed(366)) }),
      createRule('YEARLY', { WKST: weekday, BYWEEKNO: list(signed(53)), BYDAY }),
    )
    .map(parts => parts.join(';'))
  function createRule(freq: string, parts: Record<string, fc.Arbitrary<string | number>>): fc.Arbitrary<string[]> {
    return fc.record(parts, { requiredKeys: [] }).map(each => [`FREQ=${freq}`, ...Object.entries(each).map(part => part.join('='))])
  }
  const dates = (max: string) =>
    fc.date({ min: new Date('0001-01-01'), max: new Date(max), noInvalidDate: true }).map(date => date.toISOString().slice(0, 10))
  const seed = Number(process.env.TASKSPEC_SEED)

  test('that are accepted have the dates of an independent search', () => {
    let accepted = 0
    const property = fc.property(rules, dates('9970-01-01'), fc.nat(3000), (rule, due, days) => {
      if (checkRule(rule, due) !== null) return
      accepted++
      const completedOn = new Date(Date.parse(due) + days * 86_400_000).toISOString().slice(0, 10)
      const next = nextOccurrence({ rule, from: 'due' }, due, completedOn)?.due ?? null
      const isNear = next !== null && Date.parse(next) - Date.parse(completedOn) <= 3000 * 86_400_000
      expect(next === null || next > completedOn).toBe(true)
      expect(isNear ? next : null).toBe(searchDate(rule, due, completedOn, 3000))
    })
    fc.assert(property, { seed, numRuns: 600, interruptAfterTimeLimit: 20_000 })
    expect(accepted).toBeGreaterThan(50)
  })

  test('of any text get a fault or work', () => {
    const names = fc.constantFrom('FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'BYDAY', 'BYMONTHDAY', 'BYSETPOS', 'DTSTART', 'RSCALE', '__proto__')
    const values = fc.oneof(fc.constantFrom('DAILY', 'YEARLY', 'HOURLY', 'MO', '-1FR', '20270101', '0'), fc.nat().map(String), fc.string())
    const parts = fc.array(
      fc.tuple(names, values).map(part => part.join('=')),
      { maxLength: 5 },
    )
    const text = fc.oneof(
      parts.map(each => ['FREQ=DAILY', ...each].join(';')),
      parts.map(each => each.join(';')),
      fc.string(),
    )
    const property = fc.property(text, dates('9999-12-31'), dates('9999-12-31'), (rule, due, completedOn) => {
      const fault = checkRule(rule, due)
      if (fault !== null) {
        expect(fault.message).toMatch(/^[A-Z]+ .+\.$/)
        return
      }
      for (const from of ['due', 'completion'] as const) {
        const next = nextOccurrence({ rule, from }, due, completedOn)
        if (next !== null) expect(next.due).toMatch(/^\d{4}-\d\d-\d\d$/)
      }
    })
    fc.assert(property, { seed, numRuns: 600, interruptAfterTimeLimit: 20_000 })
  })
})
