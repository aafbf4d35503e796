// Prints the SQL functions that compare and search text, with the classes of characters that they need: `node src/dev/unicode.ts`.
// The classes come from the Unicode data of Node, so that they depend on no locale of the database.
const lastCodePoint = 0x10ffff
const maxWordLength = 255 // characters. A word of an index has at most 2,046 bytes
const characters = Array.from({ length: lastCodePoint }, (_, i) => i + 1)
  .filter(code => code < 0xd800 || code > 0xdfff)
  .map(code => String.fromCodePoint(code))
const isAssigned = (character: string) => !/\p{Cn}/u.test(character)

/** Characters that leave no trace on a screen. */
const isInvisible = (character: string) => /[\p{Default_Ignorable_Code_Point}\p{Cf}]|(?!\p{White_Space})\p{Cc}/u.test(character)
/** White space, and the empty pattern of Braille. */
const isBlank = (character: string) => /[\p{White_Space}\u2800]/u.test(character)
/** Marks that a word is also found without. In the other scripts a mark is a vowel or makes another letter, as in が. */
const isAccent = (character: string) =>
  /\p{M}/u.test(character) &&
  /[\p{sc=Inherited}\p{sc=Hebrew}\p{sc=Arabic}\p{sc=Syriac}\p{sc=Cyrillic}\p{sc=Coptic}]/u.test(character) &&
  !/[\u3099\u309a]/.test(character)
/** The letters of Arabic and NKo that only make a word longer. */
const isElongation = (character: string) => /[\u0640\u07fa]/.test(character)
/** Letters that look like an apostrophe: пʼять is typed as п'ять. */
const isApostrophe = (character: string) => /[\u02b9-\u02bf]/.test(character)
const isWordCharacter = (character: string) => /[\p{L}\p{N}\p{M}]/u.test(character) && !isApostrophe(character)
/** Characters of scripts that put no blank between words. */
const isUnspaced = (character: string) =>
  (character.codePointAt(0) as number) >= 0xe00 &&
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{scx=Hang}\p{scx=Yiii}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tale}\p{scx=Talu}\p{scx=Lana}\p{scx=Tavt}]/u.test(
    character,
  )
/** Unicode's full case folding. Its ı remains what it is. */
const caseFolded = (text: string) => text.replaceAll(/[^ı]+/g, part => part.toLowerCase().toUpperCase().toLowerCase())

/** The ranges of the characters that `includes`. A range may run over characters that are not `relevant`. */
function ranges(includes: (character: string) => boolean, relevant: (character: string) => boolean): [string, string][] {
  const found: [string, string][] = []
  let open: [string, string] | undefined
  for (const character of characters) {
    if (!relevant(character)) continue
    if (!includes(character)) open = undefined
    else if (open !== undefined) open[1] = character
    else {
      open = [character, character]
      found.push(open)
    }
  }
  return found
}

function escaped(character: string) {
  const hex = (character.codePointAt(0) as number).toString(16)
  return hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}

/** The content of a bracket expression of PostgreSQL. */
const bracket = (list: [string, string][]) =>
  list.map(([from, to]) => (from === to ? escaped(from) : `${escaped(from)}-${escaped(to)}`)).join('')

const all = () => true
const invisible = bracket(ranges(isInvisible, all))
const blank = bracket(ranges(isBlank, all))
// What is left after the steps before.
const isDecomposed = (form: 'NFD' | 'NFKD') => (character: string) =>
  isAssigned(character) && !isInvisible(character) && character.normalize(form) === character
const isLeft = isDecomposed('NFKD')
const accents = bracket(ranges(character => isAccent(character) || isElongation(character), isLeft))
const separators = bracket(ranges(character => !isWordCharacter(character), isLeft))
const unspaced = bracket(ranges(isUnspaced, character => isWordCharacter(character) && character.normalize('NFKC') === character))

/** Case folding after `lower` of ICU: what no version of ICU lowers, and what one knows and another does not. */
function folding(form: 'NFD' | 'NFKD') {
  const folds = characters
    .filter(character => character > '\x7f' && isDecomposed(form)(character))
    .map(character => [character, caseFolded(character).normalize(form)] as const)
    .filter(([character, fold]) => fold !== character)
  const [single, several] = [folds.filter(([, fold]) => [...fold].length === 1), folds.filter(([, fold]) => [...fold].length > 1)]
  const isLower = ([character]: readonly [string, string]) => character.toLowerCase() === character
  return { lower: single.filter(isLower), upper: single.filter(each => !isLower(each)), several: several.filter(isLower) }
}

type Pairs = (readonly [string, string])[]
const classOf = (pairs: Pairs) => {
  const set = new Set(pairs.map(([from]) => from))
  return bracket(ranges(character => set.has(character), all))
}
const column = (pairs: Pairs, index: 0 | 1) => pairs.map(pair => pair[index]).join('')
const translated = (pairs: Pairs) => `translate(value, '${column(pairs, 0)}', '${column(pairs, 1)}')`

/** Statements that finish the folding of `value`. */
function steps(form: 'NFD' | 'NFKD', more: Pairs = [], moreSeveral: Pairs = []) {
  const { lower, upper, several } = folding(form)
  const [rare, long] = [
    [...lower, ...more],
    [...several, ...moreSeveral],
  ]
  return `  if value ~ ('[${classOf([...rare, ...long])}]' collate "C") then
    value := ${translated(rare)};
${long.map(([from, to]) => `    value := replace(value, '${from}', '${to}');`).join('\n')}
  end if;
  -- Capital letters that are newer than the ICU of this database.
  if value ~ ('[${classOf(upper)}]' collate "C") then
    value := ${translated(upper)};
  end if;`
}

// Letters with a stroke, and ligatures, have no decomposition.
const strokes: Pairs = ['ıi', 'øo', 'đd', 'łl', 'ħh', 'ŧt'].map(pair => [pair.slice(0, 1), pair.slice(1)])
const ligatures: Pairs = [
  ['æ', 'ae'],
  ['œ', 'oe'],
]

/** In PL/pgSQL, because its plan is kept for a connection. */
function createFunction(name: string, parameters: string, returns: string, comment: string, body: string): string {
  return `${comment}
-- Unicode ${process.versions.unicode}
create function ${name}(${parameters}) returns ${returns}
  language plpgsql immutable strict parallel safe
as $$
${body}
$$;
`
}

/** Statements that make the entries of an index from a `search_text`: a run without blanks becomes its pairs of neighbours. */
const entries = `  if octet_length(value) > length(value) and value ~ ('[${unspaced}]' collate "C") then
    -- The pairs from the second character of a run on, and then those from the first.
    value := regexp_replace(' ' || value, ' [${unspaced}]' collate "C", ' ', 'g') || ' ' || value;
    value := regexp_replace(value, '[${unspaced}]{2}' collate "C", '\\& ', 'g');
    value := btrim(regexp_replace(value, ' +' collate "C", ' ', 'g'), ' ');
  end if;`
// Each entry begins with its owner. Otherwise the search for a prefix would read the entries of all owners.
const ownerKey = "lpad(to_hex(hashtext(owner)), 8, '0')"

const functions = [
  createFunction(
    'is_visible',
    'value text',
    'boolean',
    '-- Whether a text has a character that leaves a trace on a screen.',
    `begin
  return ascii(value) between 33 and 126 or value ~ ('[^${invisible}${blank}]' collate "C");
end`,
  ),
  createFunction(
    'folded',
    'value text',
    'text',
    `-- Equal for texts that look alike: without invisible characters, in one case, with single blanks, in NFC.
-- Classes of characters are written out, and a table completes \`lower\`: so the result depends on no locale and no version of ICU.`,
    `begin
  if value ~ ('^[ -~]*$' collate "C") then
    value := btrim(lower(value collate "C"), ' ');
    return case when strpos(value, '  ') = 0 then value else regexp_replace(value, ' +' collate "C", ' ', 'g') end;
  end if;
  value := normalize(regexp_replace(value, '[${invisible}]+' collate "C", '', 'g'), NFD);
  value := lower(value collate "und-x-icu");
${steps('NFD')}
  return normalize(btrim(regexp_replace(value, '[${blank}]+' collate "C", ' ', 'g'), ' '), NFC);
end`,
  ),
  createFunction(
    'search_text',
    'value text',
    'text',
    `-- The words of a text with single blanks between them: in one case, without accents, in compatibility form. A character that is no
-- letter, number or mark separates words, and so does a letter that looks like an apostrophe. A run of letters of a script without blanks
-- (Chinese, Thai …) is a word.`,
    `begin
  if value ~ ('^[\\t-\\r -~]*$' collate "C") then
    return btrim(regexp_replace(lower(value collate "C"), '[^a-z0-9]+' collate "C", ' ', 'g'), ' ');
  end if;
  value := normalize(regexp_replace(value, '[${invisible}]+' collate "C", '', 'g'), NFKD);
  value := lower(value collate "und-x-icu");
  value := regexp_replace(value, '[${accents}]+' collate "C", '', 'g');
${steps('NFKD', strokes, ligatures)}
  value := normalize(regexp_replace(value, '[${separators}]+' collate "C", ' ', 'g'), NFC);
  if value ~ ('[${unspaced}]' collate "C") then
    value := regexp_replace(value, '[${unspaced}]+' collate "C", ' \\& ', 'g');
    value := regexp_replace(value, ' +' collate "C", ' ', 'g');
  end if;
  return btrim(value, ' ');
end`,
  ),
  createFunction(
    'search_words',
    'owner text, value text',
    'tsvector',
    `-- The index entries of a \`search_text\`: its words, and for a run without blanks each pair of neighbours and the last character. So each
-- character of the run begins an entry, and every part of the run is found.`,
    `declare
  key text := ${ownerKey};
begin
${entries}
  if value = '' then
    return '';
  end if;
  if length(value) >= ${maxWordLength} and value ~ ('[^ ]{${maxWordLength}}' collate "C") then
    return array_to_tsvector((select array_agg(key || left(word, ${maxWordLength})) from unnest(string_to_array(value, ' ')) as word));
  end if;
  return array_to_tsvector(string_to_array(key || replace(value, ' ', ' ' || key), ' '));
end`,
  ),
  createFunction(
    'search_query',
    'owner text, value text',
    'tsquery',
    `-- Finds the \`search_words\` that have all words of a \`search_text\`. The last word is a prefix; so is a single character of a run without
-- blanks. Without a word it finds nothing.`,
    `declare
  key text := ${ownerKey};
  words text[];
begin
${entries}
  words := string_to_array(value, ' ');
  return (
    select coalesce(string_agg(
      '''' || key || left(word, ${maxWordLength}) || ''''
        || case when place = cardinality(words) or word ~ ('^[${unspaced}]$' collate "C") then ':*' else '' end, ' & '), '')::tsquery
    from unnest(words) with ordinality as each (word, place));
end`,
  ),
]

for (const each of functions) console.log(each)
