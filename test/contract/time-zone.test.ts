// Time zones: the names of the IANA database in their own spelling, and no others.
import { describe, expect } from 'vitest'
import { isTimeZone } from '../../src/contract/time-zone.ts'
import { test } from '../support/taskspec.ts'

// PostgreSQL has the files of the IANA database under their names.
test('every name of the IANA database is a time zone, and no other name that the runtime lists', async ({ service: { sql } }) => {
  const rows = await sql<{ name: string }[]>`select name from pg_timezone_names where name not like 'posix%' and name <> 'Factory'`
  const names = rows.map(({ name }) => name)
  expect(names.length).toBeGreaterThan(500)
  expect(names.filter(name => !isTimeZone(name))).toEqual([])
  expect(names.map(name => name.toLowerCase()).filter(isTimeZone)).toEqual([])
  expect(names.map(name => name.toUpperCase()).filter(name => isTimeZone(name) && !names.includes(name))).toEqual([])
  expect(Intl.supportedValuesOf('timeZone').filter(name => !isTimeZone(name))).toEqual([])
})

// The short names of ICU that are not in the IANA database, each for one of several meanings.
const ofIcu = 'ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT PNT PRT PST SST VST'.split(' ')

test('ICU takes abbreviations for zones, and the server does not', () => {
  expect(new Intl.DateTimeFormat('en', { timeZone: 'BST' }).resolvedOptions().timeZone).toBe('Asia/Dhaka')
  expect(ofIcu.filter(isTimeZone)).toEqual([])
})

const accepted = ['Asia/Calcutta', 'Asia/Kolkata', 'Europe/Kiev', 'US/Pacific', 'Etc/GMT+5', 'America/Argentina/Buenos_Aires', 'UTC']
const aliases = ['GMT', 'GMT0', 'GMT+0', 'GMT-0', 'Etc/UTC', 'Zulu', 'EST', 'MST', 'HST', 'EST5EDT', 'PST8PDT', 'CET', 'GB', 'PRC', 'ROK']
const refused = [
  'BST',
  'IST',
  'PST',
  'CEST',
  'SystemV/PST8',
  'Etc/Unknown',
  '+02:00',
  '-0800',
  'UTC+2',
  'GMT+2',
  'Z',
  'Factory',
  'localtime',
]
const misspelt = ['europe/helsinki', 'EUROPE/HELSINKI', 'utc', 'Utc', 'Europe/helsinki', 'Europe', ' UTC', 'UTC ', '(UTC+02:00) Helsinki']

describe('timeZone', () => {
  test('is kept in the spelling that was sent', async ({ as }) => {
    const ann = await as('ann')
    for (const timeZone of [...accepted, ...aliases]) expect((await ann.updateUser({ body: { timeZone } })).body.timeZone).toBe(timeZone)
  })

  test.for([...refused, ...misspelt])('refuses %s wherever it is accepted, and names the remedy', async (timeZone, { as }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'a' } })
    const path = { taskId: task.id }
    for (const { body } of [
      await ann.updateUser({ body: { timeZone } }, 422),
      await ann.createTask({ body: { title: 'a', timeZone } }, 422),
      await ann.putTask({ path, body: { title: 'a', timeZone } }, 422),
      await ann.updateTask({ path, body: { timeZone } }, 422),
    ]) {
      const message = 'must be a name from the IANA time zone database in its own spelling, such as Europe/Helsinki'
      expect(body.errors).toEqual([{ pointer: '/timeZone', location: 'body', code: expect.stringMatching(/format|pattern/), message }])
    }
  })

  test('of a row that an earlier release wrote can be read, and other fields can be changed', async ({ as, service }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'a' } })
    await service.sql`update tasks set time_zone = 'BST' where id = ${task.id}`
    const path = { taskId: task.id }
    expect((await ann.getTask({ path })).body.timeZone).toBe('BST')
    expect((await ann.updateTask({ path, body: { title: 'b' } })).body).toMatchObject({ title: 'b', timeZone: 'BST' })
  })
})
