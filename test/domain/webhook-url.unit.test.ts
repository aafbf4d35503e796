import { expect, test } from 'vitest'
import { urlFault } from '../../src/domain/webhook-url.ts'

test.each([
  'https://example.com/hook',
  'https://example.com:8443/hook?key=a%20b',
  'https://8.8.8.8/',
  'https://[2606:4700::1111]/hook',
  'https://localhost.example.com',
  'https://10.example.com',
  'https://example.com/@user',
])('%s is sent to', url => {
  expect(urlFault(url, false)).toBe(undefined)
})

test.each([
  ['https://', 'format'],
  ['https://example.com:70000/', 'format'],
  ['https://[::1', 'format'],
  ['https://256.1.1.1/', 'format'],
  ['http://example.com/hook', 'https'],
  ['https://user@example.com/', 'userInfo'],
  ['https://:secret@example.com/', 'userInfo'],
  ['https://127.0.0.1/', 'privateAddress'],
  ['https://0x7f.1/', 'privateAddress'],
  ['https://2130706433/', 'privateAddress'],
  ['https://10.1.2.3:8080/', 'privateAddress'],
  ['https://172.16.0.1/', 'privateAddress'],
  ['https://192.168.1.1/', 'privateAddress'],
  ['https://169.254.169.254/latest', 'privateAddress'],
  ['https://100.64.0.1/', 'privateAddress'],
  ['https://0.0.0.0/', 'privateAddress'],
  ['https://224.0.0.1/', 'privateAddress'],
  ['https://[::1]/', 'privateAddress'],
  ['https://[::]/', 'privateAddress'],
  ['https://[fd00::1]/', 'privateAddress'],
  ['https://[fe80::1]/', 'privateAddress'],
  ['https://[::ffff:127.0.0.1]/', 'privateAddress'],
  ['https://[64:ff9b::7f00:1]/', 'privateAddress'],
  ['https://localhost/', 'privateAddress'],
  ['https://LOCALHOST./', 'privateAddress'],
  ['https://a.localhost:3000/', 'privateAddress'],
])('%s is refused as %s', (url, code) => {
  expect(urlFault(url, false)?.code).toBe(code)
})

test.each(['http://example.com/', 'http://127.0.0.1:4000/hook', 'https://[::1]/', 'http://localhost'])(
  '%s is sent to where private addresses are allowed',
  url => {
    expect(urlFault(url, true)).toBe(undefined)
  },
)

test.each([
  ['http://user@127.0.0.1/', 'userInfo'],
  ['http://', 'format'],
])('%s is refused as %s there too', (url, code) => {
  expect(urlFault(url, true)?.code).toBe(code)
})
