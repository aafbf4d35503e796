// The text formats that openapi.yaml names, because a pattern that means the same in every language cannot express them. An empty text keeps
// each of them: `minLength` says where there must be one.
import { isSortKey } from './sort-key.ts'
import { isTimeZone } from './time-zone.ts'

type TextFormat = { accepts: (text: string) => boolean; message: string }

/** Not white space, a control character, a lone surrogate, or a character without a glyph. U+2800 is an empty braille cell. */
const visible = /[^\p{White_Space}\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/u

export function isVisibleText(text: string): boolean {
  return text.isWellFormed() && visible.test(text)
}

export const textFormats: Readonly<Record<string, TextFormat>> = {
  'sort-key': {
    accepts: text => text === '' || isSortKey(text),
    message: 'must be a fractional index in base 62, such as a0 or Zz8V: the first letter says how many digits follow at least',
  },
  text: { accepts: text => text.isWellFormed(), message: 'must have no lone surrogate' },
  'visible-text': {
    accepts: text => text === '' || isVisibleText(text),
    message: 'must have a visible character, and no lone surrogate',
  },
  'time-zone': {
    accepts: text => text === '' || isTimeZone(text),
    message: 'must be a name from the IANA time zone database in its own spelling, such as Europe/Helsinki',
  },
}
