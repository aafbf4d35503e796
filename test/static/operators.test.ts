// Checks of src/ops/README.md without running its commands. test/ops runs those that can run here.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { deployments } from '../ops/compose.ts'
import { blocks, manual } from '../ops/manual.ts'

const ops = new URL('../../src/ops/', import.meta.url)
const services = Object.keys(deployments.Citus.services)
// A command substitution counts as a command of its own, and as one word of the outer command.
const lines = blocks().flatMap(block => [
  block.replaceAll(/"?\$\([^)]*\)"?/g, '$x'),
  ...block.matchAll(/\$\(([^)]*)\)/g).map(([, inner]) => inner as string),
])
const commands = lines.flatMap(text => text.split(/\n|&&|\|/).map(line => line.trim()))

test('a shell can parse every block of commands', () => {
  expect(blocks().length).toBeGreaterThan(8)
  for (const block of blocks()) execFileSync('sh', ['-n'], { input: block })
})

test('every Compose command exists and names existing services', () => {
  const composed = commands.filter(each => each.startsWith('docker compose '))
  expect(composed.length).toBeGreaterThan(15)
  for (const each of composed) {
    const [verb, ...words] = each.split(' ').slice(2)
    expect(['up', 'ps', 'build', 'exec', 'run', 'stop', 'start', 'kill', 'restart'], each).toContain(verb)
    const named = words.filter(word => !word.startsWith('-') && !/["'/=.$]/.test(word))
    const place = verb === 'exec' || verb === 'run' ? named.filter(word => services.includes(word)).slice(0, 1) : named
    if (verb === 'exec' || verb === 'run') expect(place, each).toHaveLength(1)
    for (const service of place) expect(services, each).toContain(service)
  }
})

test('every script and file that it names exists', () => {
  const scripts = [...manual.matchAll(/\/ops\/([\w.-]+\.sh)|PWD\/([\w.-]+\.sh)/g)].map(([, one, other]) => one ?? other)
  const links = [...manual.matchAll(/\]\((?!https:)([^)#]+)\)/g)].map(([, link]) => link)
  expect(new Set(scripts)).toEqual(new Set(['backup.sh', 'restore.sh', 'recover.sh']))
  expect(links).not.toEqual([])
  for (const file of [...scripts, ...links]) expect(existsSync(new URL(file as string, ops)), file).toBe(true)
})
