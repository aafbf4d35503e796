import { expect, test } from 'vitest'
import { ConfigError, readConfig } from '../../src/config/config.ts'

test.each([
  ['https://app.example.com, http://localhost:5173,http://[::1]:8080'],
  ['*'],
  ['https://*.example.app,https://*.xn--mller-kva.example:8443,http://*.localhost:3000'],
  // App shells: Capacitor, Ionic, Tauri, Electron, extensions of browsers, files in a web view of Android.
  ['capacitor://localhost,ionic://localhost,tauri://localhost,app://.,app://-,app://obsidian.md,file://'],
  ['chrome-extension://abcdefghijklmnopabcdefghijklmnop,safari-web-extension://E8BEA491-9B80-45DB-8B20-3E586473BD47'],
])('accepts %s', CORS_ORIGINS => {
  expect(readConfig({ CORS_ORIGINS }).corsOrigins).toEqual(CORS_ORIGINS.split(/[ ,]+/))
})

test.each([
  ['https://app.example.com/', 'Browsers send "https://app.example.com"'],
  ['https://app.example.com/login?next=1#top', 'Browsers send "https://app.example.com"'],
  ['https://App.Example.com', 'Browsers send "https://app.example.com"'],
  ['HTTPS://app.example.com', 'Browsers send "https://app.example.com"'],
  ['https://müller.example', 'Browsers send "https://xn--mller-kva.example"'],
  ['https://*.müller.example', 'Browsers send "https://*.xn--mller-kva.example"'],
  ['https://app.example.com:443', 'Browsers send "https://app.example.com"'],
  ['http://app.example.com:80', 'Browsers send "http://app.example.com"'],
  ['http://0x7f.1:5173', 'Browsers send "http://127.0.0.1:5173"'],
  ['https://user:hunter2@app.example.com', 'Browsers send "https://app.example.com"'],
  ['capacitor://localhost/', 'Browsers send "capacitor://localhost"'],
  ['Capacitor://localhost', 'Browsers send "capacitor://localhost"'],
  ['null', 'every sandboxed frame sends it'],
  ['app.example.com', 'has no scheme'],
  ['localhost:5173', 'has no scheme'],
  ['*.example.com', 'has no scheme'],
  ['*://app.example.com', 'has no scheme'],
  ['data:text/html,x', 'has no scheme'],
  ['https://', 'is no origin'],
  ['capacitor://', 'is no origin'],
  ['https://app.example.com:99999', 'is no origin'],
  ['wss://app.example.com', 'the scheme of a page is https or http'],
  ['https://app.*.com', 'directly before a domain'],
  ['https://app*.example.com', 'directly before a domain'],
  ['https://*example.com', 'directly before a domain'],
  ['https://*.*.example.com', 'directly before a domain'],
  ['https://*', 'directly before a domain'],
  ['http://localhost:*', 'is no origin'],
  ['*,https://app.example.com', 'must be the only one'],
])('refuses %s, which matches no page, and says why', (CORS_ORIGINS, reason) => {
  const read = () => readConfig({ CORS_ORIGINS })
  expect(read).toThrow(ConfigError)
  expect(read).toThrow(/- CORS_ORIGINS must list origins/)
  expect(read).toThrow(reason)
  expect(read).not.toThrow(/hunter2/)
})
