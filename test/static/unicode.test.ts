// The schema has the functions that src/dev/unicode.ts prints.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)

test('the functions of the schema are those made from the data of Unicode', async () => {
  expect(process.versions.unicode, 'the characters of a newer Unicode need new functions: see db/README.md').toBe('17.0')
  const { stdout } = await promisify(execFile)(process.execPath, ['src/dev/unicode.ts'], { cwd: root, maxBuffer: 1e8 })
  const schema = bodies(readFileSync(new URL('db/schema.sql', root), 'utf8'))
  const printed = bodies(stdout)
  expect([...printed.keys()].toSorted()).toEqual(['folded', 'is_visible', 'search_query', 'search_text', 'search_words'])
  for (const [name, body] of printed) expect(schema.get(name), name).toBe(body)
})

/** The body of each function, by its name. */
function bodies(text: string): Map<string, string> {
  const found = text.matchAll(/create function (?:public\.)?(\w+)\([^$]*as (\$_?\$)\n(.*?)\n\2;/gis)
  return new Map(Array.from(found, ([, name = '', , body = '']) => [name, body]))
}
