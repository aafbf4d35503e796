import { expect, test } from 'vitest'
import { hostOf, isPublicAddress } from '../../src/contract/public-address.ts'

test.for(['1.1.1.1', '172.32.0.1', '2606:4700::1111', '::ffff:1.1.1.1'])('%s is public', address => {
  expect(isPublicAddress(address)).toBe(true)
})

test.for([
  ...['127.0.0.1', '127.9.9.9', '0.0.0.0', '10.0.0.1', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '198.18.0.1'],
  ...['192.0.2.1', '224.0.0.1', '255.255.255.255', '::', '::1', '::127.0.0.1', 'fc00::1', 'fe80::1', 'fec0::1', 'ff02::1'],
  ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:a9fe:a9fe', '64:ff9b::7f00:1', '2002:7f00:1::', '2001::1', '2001:db8::1'],
  ...['', 'localhost', '127.1', '1.1.1.1:80', '[::1]'],
])('%s is not public', address => {
  expect(isPublicAddress(address)).toBe(false)
})

test.for<[url: string, host: string]>([
  ['https://[::ffff:127.0.0.1]:8/a', '::ffff:7f00:1'],
  ['https://0x7f.1/', '127.0.0.1'],
  ['https://2130706433/', '127.0.0.1'],
  ['https://127.0.0.1./', '127.0.0.1'],
  ['https://Example.com/', 'example.com'],
])('the host of %s is %s', ([url, host]) => {
  expect(hostOf(new URL(url))).toBe(host)
})
