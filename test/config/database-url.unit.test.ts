import { describe, expect, test } from 'vitest'
import { databaseLocation, driverUrl, hosts } from '../../src/config/database-url.ts'

describe('a URL with several hosts', () => {
  test('becomes one URL for each host, of which only the primary is used', () => {
    expect(hosts('postgres://u:p@one:5432,two:5433/name?sslmode=require')).toEqual({
      urls: ['postgres://u:p@one:5432/name?sslmode=require', 'postgres://u:p@two:5433/name?sslmode=require'],
      primary: true,
    })
  })

  test('can have commas in its user, password and name', () => {
    expect(hosts('postgresql://a,b:c,d@one/e,f')).toEqual({ urls: ['postgresql://a,b:c,d@one/e,f'], primary: false })
  })

  test.for(['read-write', 'primary'])('loses target_session_attrs=%s, which asks for a primary', value => {
    expect(hosts(`postgres://one/name?target_session_attrs=${value}`)).toEqual({ urls: ['postgres://one/name'], primary: true })
  })
})

test.for([
  ['mysql://one/name', 'starts with postgres://'],
  ['one', 'starts with postgres://'],
  ['postgres://u:hunter2@one:5432,/name', 'Several hosts are written with their ports'],
  ['postgres://u:hunter2@one:port/name', 'Several hosts are written with their ports'],
  ['postgres://u:hunter2@one/name?target_session_attrs=standby', 'must have target_session_attrs=read-write'],
] as const)('%s is refused with a sentence that quotes nothing of it', ([url, expected]) => {
  const message = messageOf(() => hosts(url, 'DATABASE_URL'))
  expect(message).toMatch(/^DATABASE_URL must /)
  expect(message).toContain(expected)
  expect(message).not.toContain('hunter2')
})

test('the driver gets the URL without the parameters that only libpq knows', () => {
  expect(driverUrl('postgres://u:p@one/name?sslmode=require&connect_timeout=5&channel_binding=prefer&gssencmode=disable')).toBe(
    'postgres://u:p@one/name?sslmode=require',
  )
})

test('the location of a database has its hosts and its name, and no password', () => {
  expect(databaseLocation('postgres://u:hunter2@one:5432,two:5433/name?sslmode=require')).toBe('one:5432,two:5433/name')
  expect(databaseLocation('postgres://u:hunter2@[::1]/name')).toBe('[::1]/name')
})

function messageOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('The URL was accepted')
}
