// The text formats that openapi.yaml names, because a pattern that means the same in every language cannot express them.

type TextFormat = { accepts: (text: string) => boolean; message: string }

/** Not white space, a control character, a lone surrogate, or a character without a glyph. U+2800 is an empty braille cell. */
const visible = /[^\p{White_Space}\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/u

export function isVisibleText(text: string): boolean {
  return text.isWellFormed() && visible.test(text)
}

export const textFormats: Readonly<Record<string, TextFormat>> = {
  text: { accepts: text => text.isWellFormed(), message: 'must have no lone surrogate' },
  'visible-text': { accepts: isVisibleText, message: 'must have a visible character, and no lone surrogate' },
}
