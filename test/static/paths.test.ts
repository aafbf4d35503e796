// The project runs from a folder of any name. A URL of a file escapes `#`, `?`, `%` and spaces, so it and a path are never one text.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { plainPath } from '../../src/dev/plain-path.ts'

const root = new URL('../../', import.meta.url)
const files = ['src', 'test'].flatMap(folder =>
  readdirSync(new URL(folder, root), { recursive: true })
    .map(file => `${folder}/${file}`)
    .filter(file => /\.[jt]s$/.test(file) && !file.startsWith('src/client/dist/')),
)

/** The places of a source that take a path for a URL, or a URL for a path. */
function faults(text: string): string[] {
  const fileUrls = [...text.matchAll(/(?:const|let) (\w+) = (?:new URL\([^\n]*import\.meta\.url\)|pathToFileURL\([^\n]*\))\n/g)]
  const names = fileUrls.map(([, name]) => `\\b${name}\\.pathname\\b`)
  const patterns = [/file:\/\/(?:\$\{|['"`] *\+)/, /(?:import\.meta\.(?:url|resolve\([^)]*\))|pathToFileURL\([^)]*\))\)*\.pathname\b/]
  return [...patterns, ...names.map(name => new RegExp(name))].flatMap(pattern => pattern.exec(text)?.[0] ?? [])
}

test('every source makes URLs of files with pathToFileURL, and paths with fileURLToPath', () => {
  expect(files.length).toBeGreaterThan(200)
  const found = files
    .filter(file => file !== 'test/static/paths.test.ts')
    .map(file => ({ file, faults: faults(readFileSync(new URL(file, root), 'utf8')) }))
  expect(found.filter(each => each.faults.length > 0)).toEqual([])
})

test.each([
  ['const root = new URL("..", import.meta.url).pathname'],
  ['const docs = new URL("../docs/", import.meta.url)\nread(docs.pathname)'],
  ['const docs = pathToFileURL(folder)\nread(`\u0024{docs.pathname}x`)'],
  ['const name = new URL(import.meta.resolve("yaml")).pathname'],
  ['const url = new URL(`file://\u0024{path}`)'],
  ["const url = 'file://' + path"],
])('finds %s', text => {
  expect(faults(text)).toHaveLength(1)
})

describe('tools that take # ? % in a path for parts of a URL', () => {
  test('get a link without such characters', () => {
    const parent = mkdtempSync(join(tmpdir(), 'taskspec-test-'))
    onTestFinished(() => rmSync(parent, { recursive: true }))
    const folder = join(parent, 'a #b?c %41 d/')
    mkdirSync(folder)
    writeFileSync(`${folder}one`, 'content')
    const plain = plainPath(folder)
    onTestFinished(() => rmSync(dirname(plain), { recursive: true })) // the process of the tests may end without its event
    expect(plain).not.toMatch(/[#?%]/)
    expect(readFileSync(`${plain}one`, 'utf8')).toBe('content')
  })

  test('get the folder itself if its path is plain', () => {
    expect(plainPath('/a b/c/')).toBe('/a b/c/')
  })
})
