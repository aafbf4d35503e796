import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { databaseLocation, parseDatabaseUrl } from '../../src/config/database-url.ts'
import { selfSigned } from '../faults/certificate.ts'

const folder = mkdtempSync(join(tmpdir(), 'taskspec-url-'))
afterAll(() => rmSync(folder, { recursive: true }))
const { certificate, key } = selfSigned()
const written = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return encodeURIComponent(join(folder, name))
}
const ca = written('ca.pem', certificate)
const cert = written('client.pem', certificate)
const clientKey = written('client.key', key)
const empty = written('empty.pem', '')

test.for<[url: string, expected: object]>([
  [
    'postgres://u:p@one/name',
    { hosts: [{ name: 'one', port: 5432 }], user: 'u', password: 'p', database: 'name', primary: false, tls: null },
  ],
  [
    'postgres://u:p@one:5432,two:5433/name',
    {
      hosts: [
        { name: 'one', port: 5432 },
        { name: 'two', port: 5433 },
      ],
      primary: true,
    },
  ],
  ['postgresql://a,b:c,d@one/e,f', { hosts: [{ name: 'one', port: 5432 }], user: 'a,b', password: 'c,d', database: 'e,f' }],
  ['postgres://u@[::1]:5433/name', { hosts: [{ name: '::1', port: 5433 }] }],
  ['postgres://u@[fe80::1%25eth0]/name', { hosts: [{ name: 'fe80::1%eth0', port: 5432 }] }],
  ['postgres://u@%2Fvar%2Frun%2Fpostgresql:5433/name', { hosts: [{ name: '/var/run/postgresql', port: 5433 }] }],
  ['postgres://u@/name?host=/var/run/postgresql&port=5433', { hosts: [{ name: '/var/run/postgresql', port: 5433 }] }],
  ['postgres://u@localhost/name?host=/cloudsql/project:zone:one', { hosts: [{ name: '/cloudsql/project:zone:one', port: 5432 }] }],
  [
    'postgres:///?host=one,two&port=5433&user=u&dbname=n&password=p%26q',
    {
      hosts: [
        { name: 'one', port: 5433 },
        { name: 'two', port: 5433 },
      ],
      user: 'u',
      database: 'n',
      password: 'p&q',
    },
  ],
  ['postgres://u%40v:%25%2F%3F%23%3A%20%C3%A9@one/a%25b', { user: 'u@v', password: '%/?#: é', database: 'a%b' }],
  ['postgres://u:a:b+c@one', { password: 'a:b+c', database: 'u' }],
  ['postgres://u:@one', { password: '' }],
  ['postgres://one/name', { user: userInfo().username, password: '' }],
  ['postgres://u@one/name?target_session_attrs=read-write', { primary: true }],
  ['postgres://u@one/name?target_session_attrs=primary', { primary: true }],
  ['postgres://u@one/name?target_session_attrs=any', { primary: false }],
  ['postgres://u@one/name?application_name=mine', { applicationName: 'mine' }],
  ['postgres://u@one/name?sslmode=disable', { tls: null }],
  ['postgres://u@one/name?sslmode=allow', { tls: { optional: true, verify: 'none' } }],
  ['postgres://u@one/name?sslmode=prefer', { tls: { optional: true, verify: 'none' } }],
  ['postgres://u@one/name?sslmode=require', { tls: { optional: false, verify: 'none', direct: false, sendsName: true } }],
  ['postgres://u@one/name?ssl=true', { tls: { optional: false, verify: 'none' } }],
  ['postgres://u@one/name?ssl=false', { tls: null }],
  [`postgres://u@one/name?sslmode=require&sslrootcert=${ca}`, { tls: { verify: 'ca' } }],
  [`postgres://u@one/name?sslmode=verify-ca&sslrootcert=${ca}`, { tls: { verify: 'ca' } }],
  [`postgres://u@one/name?sslmode=verify-full&sslrootcert=${ca}&sslcert=${cert}&sslkey=${clientKey}`, { tls: { verify: 'full' } }],
  ['postgres://u@one/name?sslmode=verify-full&sslrootcert=system&sslnegotiation=direct', { tls: { verify: 'full', direct: true } }],
  ['postgres://u@one/name?sslrootcert=system', { tls: { verify: 'full' } }],
  ['postgres://u@one/name?sslmode=require&sslsni=0&ssl_min_protocol_version=TLSv1.3', { tls: { sendsName: false } }],
  ['postgres://u@one/name?channel_binding=require', { tls: { optional: false } }],
])('%s', ([url, expected]) => {
  expect(parseDatabaseUrl(url)).toMatchObject(expected)
})

describe('parameters', () => {
  const warning = (parameters: string) => parseDatabaseUrl(`postgres://u:hunter2@one/name?${parameters}`).warning

  // The list of libpq 18 (its manual, section "Parameter Key Words"), with a value that occurs.
  test.for<[parameter: string, expected: RegExp | null]>([
    ['host=one', null],
    ['hostaddr=192.0.2.1', /hostaddr.* Name the address/],
    ['port=5432', null],
    ['dbname=name', null],
    ['user=u', null],
    ['password=hunter2', null],
    ['passfile=/hunter2', /passfile/],
    ['require_auth=scram-sha-256', /require_auth/],
    ['channel_binding=prefer', null],
    ['connect_timeout=10', null],
    ['client_encoding=auto', null],
    ['options=-c%20TimeZone%3DUTC', null],
    ['application_name=a', null],
    ['fallback_application_name=a', null],
    ['keepalives=1', null],
    ['keepalives_idle=1', null],
    ['keepalives_interval=1', null],
    ['keepalives_count=1', null],
    ['tcp_user_timeout=1', null],
    ['replication=database', /replication/],
    ['gssencmode=prefer', null],
    ['gssencmode=require', /gssencmode/],
    ['sslmode=require', null],
    ['requiressl=1', /requiressl.* sslmode=require/],
    ['sslnegotiation=postgres', null],
    ['sslcompression=0', null],
    ['sslcert=/none', /sslmode=require, verify-ca or verify-full beside sslcert/],
    ['sslmode=require&sslcert=/none', /both sslcert and sslkey/],
    ['sslmode=require&sslcert=/none&sslkey=/none', /sslcert .*ENOENT/],
    ['sslkeylogfile=/hunter2', /sslkeylogfile/],
    ['sslpassword=hunter2', null],
    ['sslcertmode=allow', null],
    ['sslcertmode=require', /sslcertmode/],
    ['sslrootcert=/none', /sslmode=require, verify-ca or verify-full beside sslrootcert/],
    ['sslmode=verify-full&sslrootcert=/none', /sslrootcert .*ENOENT/],
    [`sslmode=verify-full&sslrootcert=${empty}`, /sslrootcert .*PEM/],
    ['sslmode=require&sslrootcert=system', /sslmode=verify-full/],
    ['sslcrl=/none', /sslcrl/],
    ['sslcrldir=/none', /sslcrldir/],
    ['sslsni=1', null],
    ['requirepeer=postgres', /requirepeer/],
    ['ssl_min_protocol_version=TLSv1.2', null],
    ['ssl_max_protocol_version=TLSv1.3', null],
    ['min_protocol_version=3.0', null],
    ['min_protocol_version=3.2', /min_protocol_version/],
    ['max_protocol_version=latest', null],
    ['krbsrvname=postgres', null],
    ['gsslib=gssapi', null],
    ['gssdelegation=0', null],
    ['scram_client_key=hunter2', /scram_client_key/],
    ['scram_server_key=hunter2', /scram_server_key/],
    ['service=mine', /service/],
    ['servicefile=/mine', /servicefile/],
    ['target_session_attrs=standby', /target_session_attrs=read-write/],
    ['load_balance_hosts=random', null],
    ['oauth_issuer=x', /oauth_issuer/],
    ['oauth_client_id=x', /oauth_client_id/],
    ['oauth_client_secret=hunter2', /oauth_client_secret/],
    ['oauth_scope=x', /oauth_scope/],
    ['sslmode=none', /sslmode: disable/],
    ['ssl=true&sslmode=verify-full', null],
    ['ssl=off&sslmode=disable', null],
    ['ssl=require&sslmode=require', null],
    ['ssl=true&sslmode=disable', /ssl and sslmode with different values/],
    ['ssl=false&sslmode=require', /ssl and sslmode with different values/],
    ['ssl=verify-full&sslmode=require', /ssl and sslmode with different values/],
    ['tls=true', /tls\. Use sslmode/],
    ['sslmode=disable&channel_binding=require', /channel_binding=require/],
    ['sslmode=disable&sslnegotiation=direct', /sslnegotiation/],
    // Settings of PostgreSQL, and what is nothing at all.
    ['work_mem=64MB', /work_mem, which is unknown.* alter role/],
    ['options=-c%20work_mem%3D64MB', /work_mem, which is unknown/],
    ['options=--default-transaction-read-only%3Don', /default_transaction_read_only, which is unknown/],
    ['options=-E', /options/],
    ['search_path=app', /search_path with another value than public/],
    ['schema=app', /schema with another value than public/],
    ['SSLMODE=require', /SSLMODE\. Write it as sslmode\./],
    ['sslRootCert=/none', /sslRootCert\. Write it as sslrootcert\./],
    ['%3Chunter2%3E=1', /name of other characters/],
    ['sslmode', /parameter without a value/],
    ['sslmode=require&sslmode=disable', /two different values/],
    ['password=hunter2&hunter2=1', /Write & in a password/],
    ['host=two', /"host" beside another value/],
    ['user=v', /"user" beside another value/],
  ])('%s', ([parameter, expected]) => {
    const url = `postgres://u:hunter2@one/name?${parameter}`
    if (expected === null) parseDatabaseUrl(url)
    else expectRefused(url, expected)
  })

  test.for([
    ['pgbouncer=true&connection_limit=1&pool_timeout=0&schema=public', 'pgbouncer, connection_limit, pool_timeout, schema'],
    ['prepareThreshold=0&supa=base-pooler.x&x-migrations-table=m', 'prepareThreshold, supa, x-migrations-table'],
    ['TimeZone=Europe/Helsinki&DateStyle=German&client_encoding=LATIN1', 'TimeZone, DateStyle, client_encoding'],
    ['options=-c%20timezone%3DAsia/Tokyo%20-cstatement_timeout%3D9', 'timezone, statement_timeout'],
    ['options=endpoint%3Dep-x', 'endpoint'],
  ])('%s has a warning that names it', ([parameters, names]) => {
    expect(warning(parameters as string)).toBe(`has parameters without effect here: ${names}.`)
  })

  test('channel_binding=require has a warning unless the host is verified', () => {
    expect(warning('sslmode=require&channel_binding=require')).toMatch(/channel_binding=require, which the driver does not support/)
    expect(warning('sslmode=verify-full&channel_binding=require')).toBeNull()
    expect(warning('sslmode=require&connect_timeout=10')).toBeNull()
  })
})

test.for<[url: string, expected: RegExp]>([
  ['mysql://one/name', /must be a URL like postgres:/],
  ['jdbc:postgresql://one/name', /must be a URL like postgres:/],
  ['"postgres://one/name"', /without quotes/],
  ['host=one dbname=name', /must be a URL like postgres:/],
  ['one', /must be a URL like postgres:/],
  ['postgres:///name', /must name the host.* PGHOST is not used/],
  ['postgres://u:hunter2@one:5432,/name', /must not have an empty host/],
  ['postgres://u:hunter2@one:port/name', /Several hosts are written with their ports/],
  ['postgres://u:hunter2@one:0/name', /port from 1 to 65535/],
  ['postgres://u:hunter2@one:65536/name', /port from 1 to 65535/],
  ['postgres://u:hunter2@::1:5432/name', /\[::1\]:5432/],
  ['postgres://u:hunter2@[one]/name', /only IPv6 addresses in brackets/],
  ['postgres://u:hunter2@one two/name', /a name, an address, or the folder of a socket/],
  ['postgres://u:hunter2@/name?host=/tmp/.s.PGSQL.5432', /folder of the socket, without \/\.s\.PGSQL/],
  [`postgres://u:hunter2@/name?host=/${'é'.repeat(47)}`, /shorter folder of a socket/],
  // Characters that would end the password early, and so name another host.
  ['postgres://u:hunter2@x@one/name', /write @ as %40/],
  ['postgres://u:1/hunter2@one/name', /write @ as %40/],
  ['postgres://u:1?hunter2@one/name', /write @ as %40/],
  ['postgres://u:1#hunter2@one/name', /write @ as %40/],
  ['postgres://u:hunter2%@one/name', /% as %25/],
  ['postgres://u:hunter2%zz@one/name', /% as %25/],
  ['postgres://u:hunter2%E4@one/name', /valid percent-encodings, in UTF-8/],
  ['postgres://u%00TimeZone:hunter2@one/name', /valid percent-encodings/],
])('%s is refused', ([url, expected]) => expectRefused(url, expected))

test('the location of a database has its hosts and its name, and no password', () => {
  const location = (url: string) => databaseLocation(parseDatabaseUrl(url))
  expect(location('postgres://u:hunter2@one,two:5433/name?sslmode=require')).toBe('one:5432,two:5433/name')
  expect(location('postgres://u:hunter2@[::1]/name')).toBe('[::1]:5432/name')
  expect(location('postgres://u:hunter2@%2Ftmp/name')).toBe('/tmp:5432/name')
})

/** By an error that quotes nothing secret. */
function expectRefused(url: string, expected: RegExp) {
  let message = 'The URL was accepted'
  try {
    parseDatabaseUrl(url, 'DATABASE_URL')
  } catch (error) {
    message = (error as Error).message
  }
  expect(message).toMatch(/^DATABASE_URL (must|has) /)
  expect(message).toMatch(expected)
  expect(message).not.toContain('hunter2')
}
