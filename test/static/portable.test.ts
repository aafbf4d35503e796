// Rules that let other tools read the spec: generators of clients, testers and forms, in any language.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { generators } from '../generators/generators.ts'
import { versions } from '../generators/table.ts'
import { cases } from '../support/checks.ts'
import { document, type Link, operation, operations, resolved, type Schema } from '../support/spec.ts'

/** Every value under the key, anywhere in the document. */
function valuesOf(key: string): unknown[] {
  const found: unknown[] = []
  JSON.stringify(document, (name, value) => {
    if (name === key) found.push(value)
    return value
  })
  return found
}

describe('patterns', () => {
  // What JavaScript (without flags, with `u` and with `v`), Java, Python's `re` and RE2 read in the same way. They differ about \d, \w, \s, \b
  // and the dot; look-around, back references, \p{…}, \uXXXX, flags, and lazy and possessive quantifiers are missing in at least one.
  const literal = String.raw`[A-Za-z0-9 !"#%&',\-/:;<=>@_~]`
  const escaped = String.raw`\\[$()*+./?[\\\]^{|}]|\\x[0-7][0-9A-Fa-f]`
  const member = String.raw`(?:[A-Za-z0-9 !"#$%'*+,.:;<=>?@_]|${escaped}|\\-)`
  const set = String.raw`\[\^?(?:${member}(?:-${member})?)+\]`
  const quantifier = String.raw`[*+?]|\{\d{1,3}(?:,(?:\d{1,3})?)?\}`
  const portable = new RegExp(String.raw`^\^?(?:(?:${literal}|${escaped}|${set}|\))(?:${quantifier})?|\((?:\?:)?|\|)*\$?$`)

  const patterns = [...new Set(valuesOf('pattern') as string[])]
  const values = [
    ...['', ' ', '\t\n ', 'a', ' a', 'a ', 'a\n', '\n', '\0', 'a\0b', '\u0001', '\u007f', '\u0085', '\u00a0', '\u2028', 'ß', '５', '中'],
    ...['😀', '𝄞 x', ' 😀\0', 'a\ud800b', '\udc00', 'red', '#1971c2', '#1971C2', '#1971c', '23:59', '24:00', '9:00', '42', '"42"', '""'],
    ...[
      '2027-03-01T14:30:00Z',
      '2027-03-01',
      '0000-01-01',
      '0001-01-01',
      '0',
      '0000',
      'UTC',
      'America/Argentina/Buenos_Aires',
      'Etc/GMT+1',
      '+01:00',
      '1.2.3',
    ],
    ...['019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12', '019C5A21-0D3B-7E62-9B1F-3A5D7C9E0F12', '019c5a21', 'urn:uuid:0', '/v1/users/me', 'Bearer'],
    ...['"0123456789abcdef-br"', '"reads";r=599;t=60', '"reads";q=600;w=60', 'swagger-ui.css', '../x', 'FREQ=WEEKLY;BYDAY=-1MO'],
    ...['attachment; filename="taskspec-2027-02-11.csv"', '<changes>; rel="first"', 'https://example.com/hook'],
  ]

  test.for(cases(patterns))('%s has portable constructs only', pattern => {
    expect(pattern).toMatch(portable)
  })

  test.for(cases(patterns))('%s decides the same without a flag, with u and with v', pattern => {
    const [plain, ...others] = ['', 'u', 'v'].map(flag => values.map(value => new RegExp(pattern, flag).test(value)))
    expect(new Set(plain)).toEqual(new Set([true, false])) // the table has values for this pattern
    for (const other of others) expect(other).toEqual(plain)
  })

  const refused = [
    ...['^(?!0000)', '(?=a)', '(?<=a)b', '(?<a>b)', '(?i)a', '(a)\\1', '\\p{L}', '[\\p{Cs}]', '\\d', '[\\d]', '\\s*', '\\w', '\\bx', '\\0'],
    ...[
      'a.b',
      'a*?',
      'a*+',
      'a{,3}',
      'a{1001}',
      '[[a]]',
      '[a&&b]',
      '[]',
      '[^]',
      '[a-z',
      'ä',
      '😀',
      '\\u00e4',
      '[\\u{1F600}]',
      '\\cA',
      'a\\Z',
      'a$b',
    ],
  ]
  test.for(cases(refused))('%s would not be portable', pattern => {
    expect(pattern).not.toMatch(portable)
  })
})

describe('names of components', () => {
  const names = Object.entries(document.components as Record<string, object>).flatMap(([kind, all]) =>
    Object.keys(all).map(name => ({ kind, name, type: pascalCase(name) })),
  )
  function pascalCase(name: string): string {
    return name.replaceAll(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9]?)/g, (_, first) => first.toUpperCase())
  }

  test('are unique across all kinds, whatever their case, because generators turn all kinds into types', () => {
    const groups = Object.values(Object.groupBy(names, ({ type }) => type.toLowerCase()))
    expect(groups.filter(group => group !== undefined && group.length > 1)).toEqual([])
  })

  test('hide no global of JavaScript and no type of its library or of browsers', () => {
    const library = new URL('../../node_modules/typescript/lib/', import.meta.url)
    const declared = readdirSync(library)
      .filter(file => /^lib\..*\.d\.ts$/.test(file))
      .flatMap(file => [
        ...readFileSync(new URL(file, library), 'utf8').matchAll(/^(?:declare )?(?:interface|type|var|function|namespace) (\w+)/gm),
      ])
      .map(([, name]) => name as string)
    const globals = new Set([...declared, ...Object.getOwnPropertyNames(globalThis)])
    for (const name of ['Date', 'Document', 'Error', 'Map', 'Partial', 'Record', 'Request', 'Response', 'URL'])
      expect(globals).toContain(name)
    // Headers and examples do not become types.
    const types = names.filter(({ kind }) => !['headers', 'examples'].includes(kind))
    expect(types.filter(({ type }) => globals.has(type))).toEqual([])
  })
})

describe('links', () => {
  const created = cases(operations.filter(({ responses }) => responses[201] !== undefined))

  test.for(cases(created).map(each => [each.operationId, each] as const))(
    'lead from %s to every operation on the new resource',
    ([, from]) => {
      const reply = from.responses[201]
      const links = Object.values(reply?.links ?? {}).map(link => resolved<Link>(link))
      const isItem = (path: string) => path.replace(from.method === 'POST' ? /\/\{\w+\}$/ : '', '') === from.path && path.endsWith('}')
      const targets = operations.filter(({ path }) => isItem(path)).map(({ operationId }) => operationId)
      expect(links.map(({ operationId }) => operationId).sort()).toEqual(targets.sort())

      const body = resolved(Object.values(reply?.content ?? {})[0]?.schema)?.properties
      for (const { operationId, parameters } of links) {
        const target = operation(operationId)
        expect(Object.keys(parameters).sort()).toEqual([...target.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort())
        for (const expression of Object.values(parameters)) {
          const [, part, name = ''] = /^\$(request\.path\.|response\.body#\/)(\w+)$/.exec(expression) ?? []
          if (part === 'response.body#/') expect(body).toHaveProperty(name)
          else expect(from.path).toContain(`{${name}}`)
        }
      }
    },
  )
})

describe('references', () => {
  test('lead to no date that may be null, because a generator makes 1970 from it', () => {
    const isNullableDate = ({ type, format = '' }: Schema) => [type].flat().includes('null') && /^date/.test(format as string)
    const dates = Object.entries(document.components.schemas).filter(([, schema]) => isNullableDate(schema))
    const references = dates.map(([name]) => `"#/components/schemas/${name}"`)
    const replies = Object.entries(document.components.schemas).filter(([name]) => !/(Input|Patch)$/.test(name))
    for (const [name, schema] of replies) for (const reference of references) expect(JSON.stringify(schema), name).not.toContain(reference)
  })

  test('lead to no request body, because a generator loses its media type', () => {
    expect(document.components).not.toHaveProperty('requestBodies')
  })
})

describe('the generators that are tried', () => {
  const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

  test('have exact versions, which the lock file has too', () => {
    const lock = JSON.parse(read('test/generators/package-lock.json')).packages
    for (const [name, version] of Object.entries(versions)) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/)
      expect(lock[`node_modules/${name}`].version).toBe(version)
    }
  })

  test('are the rows of the table in the README of the client', () => {
    const rows = read('src/client/README.md')
      .split('<!-- generators')[1]
      ?.match(/^\| `[^|]+/gm)
    expect(rows?.map(row => row.slice(2).trim())).toEqual(generators.map(each => `\`${each.package}\` ${versions[each.package]}`))
  })
})
