// How texts are compared and searched, in JavaScript: a judge of the functions of the database, written with the classes of Unicode.
const invisible = /[\p{Default_Ignorable_Code_Point}\p{Cf}]|(?!\p{White_Space})\p{Cc}/gu
const blanks = /[\p{White_Space}\u2800]+/gu
const accents = /[\u0640\u07fa]|(?![\u3099\u309a])[[\p{sc=Zinh}\p{sc=Hebr}\p{sc=Arab}\p{sc=Syrc}\p{sc=Cyrl}\p{sc=Copt}]&&\p{M}]/gv
const unspaced =
  '[[\\u{e00}-\\u{10ffff}]&&[\\p{L}\\p{N}\\p{M}]&&[\\p{scx=Hani}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Bopo}\\p{scx=Hang}\\p{scx=Yiii}\\p{scx=Thai}\\p{scx=Laoo}\\p{scx=Khmr}\\p{scx=Mymr}\\p{scx=Tale}\\p{scx=Talu}\\p{scx=Lana}\\p{scx=Tavt}]]'
const words = new RegExp(`${unspaced}+|[[\\p{L}\\p{N}\\p{M}]--${unspaced}--[\\u02b9-\\u02bf]]+`, 'gv')
const isUnspaced = new RegExp(`^${unspaced}+$`, 'v')
const strokes: Record<string, string> = { ı: 'i', ø: 'o', đ: 'd', ł: 'l', ħ: 'h', ŧ: 't', æ: 'ae', œ: 'oe' }

/** Full case folding, which leaves ı alone. */
const caseFolded = (text: string) => text.replaceAll(/[^ı]/gu, each => each.toLowerCase().toUpperCase().toLowerCase())

export const isVisible = (text: string) => text.replaceAll(invisible, '').replaceAll(blanks, '') !== ''

export const folded = (text: string) =>
  caseFolded(text.replaceAll(invisible, '').normalize('NFD')).replaceAll(blanks, ' ').replaceAll(/^ | $/g, '').normalize('NFC')

/** The words of a text. A run of letters of a script without blanks is one word. */
export function wordsOf(text: string): string[] {
  const plain = caseFolded(text.replaceAll(invisible, '').normalize('NFKD').replaceAll(accents, ''))
  return (
    plain
      .replaceAll(/[ıøđłħŧæœ]/g, each => strokes[each] as string)
      .normalize('NFC')
      .match(words) ?? []
  )
}

/** Whether a search finds the text. */
export function finds(query: string, text: string): boolean {
  const [asked, there] = [wordsOf(query), wordsOf(text)]
  const entries = new Set(there.flatMap(each => (isUnspaced.test(each) ? pairs(each) : each)))
  const hasRun = asked.some(word => isUnspaced.test(word)) // then other words are whole ones, also the last
  const found = (word: string, i: number) => {
    if (isUnspaced.test(word))
      return pairs(word).every(pair => (pair.length > 1 && [...pair].length > 1 ? entries.has(pair) : begins(pair)))
    return i === asked.length - 1 && !hasRun ? begins(word) : entries.has(word)
  }
  const begins = (prefix: string) => [...entries].some(each => each.startsWith(prefix))
  return asked.length > 0 && asked.every(found)
}

/** Each pair of neighbours, and the last character. */
function pairs(run: string): string[] {
  const characters = [...run]
  return characters.map((each, i) => each + (characters[i + 1] ?? ''))
}
