// Every proof that SECURITY.md names exists.
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)
const document = readFileSync(new URL('SECURITY.md', root), 'utf8')
const risks = document.split('\n').filter(line => /^\| API\d/.test(line))
// A test file, and the test names that follow it up to the next file.
const proofs = [...document.matchAll(/`(test\/[\w./-]+)`([^`\n|]*)/g)].map(([, file = '', behind = '']) => ({
  file,
  titles: [...behind.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title),
}))

test('every risk of the list has a row with a proof', () => {
  expect(risks.map(line => line.slice(2, line.indexOf(' ', 2)))).toEqual(Array.from({ length: 10 }, (_, i) => `API${i + 1}`))
  for (const line of risks) expect(line).toMatch(/`test\/|as API4/)
})

test('every test that it quotes exists', () => {
  const named = proofs.flatMap(({ titles }) => titles)
  expect(named.length).toBeGreaterThan(20)
  expect(named).toHaveLength([...document.matchAll(/“/g)].length)
  const missing = proofs.flatMap(({ file, titles }) => {
    if (!existsSync(new URL(file, root))) return [file]
    const text = readFileSync(new URL(file, root), 'utf8')
    return titles.filter(title => !text.includes(`'${title}'`)).map(title => `${file}: ${title}`)
  })
  expect(missing).toEqual([])
})
