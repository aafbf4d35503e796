import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isTimeZone } from '../../src/contract/time-zone.ts'
import { zoneOf } from '../../src/exchange/time-zones.ts'

test('names of Windows mean what node-ical takes them for', () => {
  const source = readFileSync(new URL('../../src/exchange/time-zones.ts', import.meta.url), 'utf8')
  const names = [...source.matchAll(/^(?: {2}`)?([^=`/]+)=([\w/+-]+)`?$/gm)].map(match => match[1] as string)
  const zones = JSON.parse(readFileSync(new URL('../../node_modules/node-ical/windowsZones.json', import.meta.url), 'utf8'))
  expect(names.length).toBeGreaterThan(50)
  expect(names.filter(name => name !== 'UTC' && !zones[name]?.iana.includes(zoneOf(name)))).toEqual([])
  expect(names.map(zoneOf).filter(zone => zone === null || !isTimeZone(zone))).toEqual([])
})

test.each([
  ['Europe/Berlin', 'Europe/Berlin'],
  ['/mozilla.org/20050126_1/Europe/Berlin', 'Europe/Berlin'],
  ['/freeassociation.sourceforge.net/Tzfile/America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
  ['/freeassociation.sourceforge.net/UTC', 'UTC'],
  ['europe/berlin', null],
  ['+02:00', null],
  ['Mars/Japan', null],
  ['/', null],
  ['', null],
])('%s', (tzid, zone) => {
  expect(zoneOf(tzid)).toBe(zone)
})
