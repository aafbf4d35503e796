// Checks of the text of Dockerfile. test/ops/container.test.ts builds and runs the image.
import { readFileSync } from 'node:fs'
import { ValidationSeverity, validate } from 'dockerfile-utils'
import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { execForm, instructions } from '../ops/image.ts'

const all = (keyword: string) => instructions.filter(each => each.getKeyword() === keyword)
const words = (keyword: string) => all(keyword).map(each => each.getArguments().map(argument => argument.getValue()))

test('the linter finds nothing', () => {
  const found = (text: string) =>
    validate(text, { instructionCasing: ValidationSeverity.ERROR, instructionWorkdirRelative: ValidationSeverity.ERROR })
  const text = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8')
  expect(found(text)).toEqual([])
  expect(found(text.replace('WORKDIR /app', 'WORKDIR app'))).toHaveLength(1)
})

test('every stage uses the Node version of the tests', () => {
  const [version] = process.versions.node.split('-')
  expect(version).toBe(manifest.devDependencies.node)
  expect(words('FROM').map(([image]) => image)).toEqual(Array(2).fill(`node:${version}-slim`))
})

test('packages are installed from the lock file, without scripts, before the code is copied', () => {
  const order = instructions.map(each => `${each.getKeyword()} ${each.getRawArgumentsContent()}`)
  const install = order.findIndex(each => each.startsWith('RUN npm ci --omit=dev --ignore-scripts'))
  expect(order.indexOf('COPY package.json package-lock.json ./')).toBe(install - 1)
  expect(order.indexOf('COPY src ./src')).toBeGreaterThan(install)
  expect(all('RUN')).toHaveLength(1)
  expect(all('ADD')).toEqual([])
})

test('the server runs without privileges, receives signals itself, and has a health check without other programs', () => {
  expect(words('USER')).toEqual([['1000:1000']])
  const order = instructions.map(each => each.getKeyword())
  expect(order.lastIndexOf('USER')).toBeGreaterThan(order.lastIndexOf('COPY'))
  expect(all('CMD').map(execForm)).toEqual([['node', '--max-semi-space-size=16', 'src/main.ts']])
  expect(all('HEALTHCHECK').map(execForm)).toEqual([['node', '-e', expect.stringContaining('/livez')]])
  expect(words('ENV').flat()).toContain('NODE_ENV=production')
})
