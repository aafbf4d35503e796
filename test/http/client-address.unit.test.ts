import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { createClientAddress, networkOf } from '../../src/http/client-address.ts'

describe('the network of an address', () => {
  test.for([
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['2001:0DB8:0:1:ffff:ffff:ffff:ffff', '2001:db8:0:1::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
    // A zone id names an interface of this host, not the client.
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['192.0.2.1:4711', '192.0.2.1'],
    ['[2001:db8::1]:4711', '2001:db8:0:0::/64'],
    ['[2001:db8::1]', '2001:db8:0:0::/64'],
    ['[::ffff:192.0.2.1]:4711', '192.0.2.1'],
    ['[fe80::1%eth0]:4711', 'fe80:0:0:0::/64'],
    // A port may be a name instead of a number (RFC 7239, section 6.2).
    ['192.0.2.1:_x7', '192.0.2.1'],
    [' 192.0.2.1:4711 ', '192.0.2.1'],
    ['"192.0.2.1:4711"', '192.0.2.1'],
    ['"[2001:db8::1]:4711"', '2001:db8:0:0::/64'],
    // Translated IPv4 clients must not share one network.
    ['64:ff9b::192.0.2.1', '192.0.2.1'],
    ['64:ff9b::c000:202', '192.0.2.2'],
    ['::ffff:0:192.0.2.1', '192.0.2.1'],
    ['64:ff9b:1::192.0.2.1', '192.0.2.1'],
    ['2002:c000:201::1', '2002:c000:201:0::/64'],
    // Without brackets the last group may be a port. A group has at most four digits.
    ['2001:db8::1:4711', '2001:db8:0:0::/64'],
    ['2001:db8::1:50001', '2001:db8:0:0::/64'],
    ['2001:db8:0:1:2:3:4:5:50001', '2001:db8:0:1::/64'],
  ] as const)('of %s is %s', ([address, network]) => {
    expect(networkOf(address)).toBe(network)
  })

  test.for([
    ...[undefined, '', ' ', 'unknown', '_hidden', 'localhost', 'example.com:80', '__proto__'],
    ...['1', '127.1', '0x7f.0.0.1', '010.0.0.1', '256.0.0.1', '1.2.3.4.5', '1.2.3.4/8', '1.2.3.4:', '1.2.3.4%eth0'],
    ...[':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '12345::', '::g', '2001:db8::/32', '[::1', '[]', '::ffff:300.0.0.1'],
    ...['"', '""', '"unknown"', '192.0.2.1:80:80', '192.0.2.1:a b', '[192.0.2.1', '[2001:db8::1]:', 'unix:', '198.51.100.7 192.0.2.1'],
  ])('there is none of %j', text => {
    expect(networkOf(text)).toBeUndefined()
  })
})

describe('the client behind proxies', () => {
  const from = (remoteAddress: string | undefined, ...forwarded: string[]) =>
    ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded.join(', ') } }) as unknown as IncomingMessage

  test('is the peer of the connection when no proxy is trusted', () => {
    expect(createClientAddress(0)(from('192.0.2.1', '198.51.100.7'))).toBe('192.0.2.1')
  })

  test('is found by the number of proxies', () => {
    const client = createClientAddress(2)
    expect(client(from('192.0.2.1', '203.0.113.9', '198.51.100.7', '192.0.2.2'))).toBe('198.51.100.7')
    expect(client(from('192.0.2.1', '198.51.100.7'))).toBe('198.51.100.7')
    expect(client(from('::ffff:192.0.2.1'))).toBe('192.0.2.1')
  })

  test('is found by the addresses of the proxies, whether or not they write ports', () => {
    const client = createClientAddress(['192.0.2.0/24', '2001:db8::/32'])
    expect(client(from('192.0.2.1', '203.0.113.9', '198.51.100.7', '192.0.2.2'))).toBe('198.51.100.7')
    expect(client(from('::ffff:192.0.2.1', '203.0.113.9:1', '198.51.100.7:2', '192.0.2.2:3', '[2001:db8::5]:4'))).toBe('198.51.100.7')
    expect(client(from('198.51.100.1', '203.0.113.9'))).toBe('198.51.100.1')
  })

  test('is the same for each port, and another one for each address', () => {
    for (const client of [createClientAddress(1), createClientAddress(['192.0.2.1'])]) {
      const networks = ['198.51.100.9:50001', '198.51.100.9:50002', '198.51.100.10:50001'].map(hop => client(from('192.0.2.1', hop)))
      expect(networks).toEqual(['198.51.100.9', '198.51.100.9', '198.51.100.10'])
    }
  })

  test('is found where the header has empty entries and spaces', () => {
    for (const forwarded of ['198.51.100.7,', ' ,198.51.100.7 , ', ',,198.51.100.7,,'])
      expect(createClientAddress(1)(from('192.0.2.1', forwarded))).toBe('198.51.100.7')
    for (const forwarded of ['', ' ', ',', ', ,']) expect(createClientAddress(1)(from('192.0.2.1', forwarded))).toBe('192.0.2.1')
  })

  test('is the nearest hop with an address when the header has other text', () => {
    expect(createClientAddress(1)(from('192.0.2.1', 'unknown'))).toBe('192.0.2.1')
    expect(createClientAddress(2)(from('192.0.2.1', 'made up', '192.0.2.2'))).toBe('192.0.2.2')
    expect(createClientAddress(['192.0.2.1'])(from('192.0.2.1', 'made up'))).toBe('192.0.2.1')
  })

  test('is unknown when the connection has closed', () => {
    expect(createClientAddress(0)(from(undefined))).toBe('unknown')
    expect(createClientAddress(1)(from(undefined))).toBe('unknown')
    expect(createClientAddress(['192.0.2.1'])(from(undefined, '198.51.100.7'))).toBe('unknown')
  })
})
