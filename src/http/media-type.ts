// Media types of bodies (RFC 9110, section 8.3).

const json = 'application/json'
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const parameter = String.raw`(${token})=(${token}|"(?:[^"\\]|\\.)*")`
// A semicolon may have nothing behind it (section 5.6.6). No text can match in two ways, so a long one takes no time.
const mediaTypePattern = new RegExp(`^(${token}/${token})[ \\t]*((?:;[ \\t]*(?:${parameter}[ \\t]*)?)*)$`)
const parameterPattern = new RegExp(parameter, 'g')

export const isJson = (type: string): boolean => type === json || type.endsWith('+json')

/** Which of the accepted types the header names. Its parameters are ignored, except for a charset that is not UTF-8. */
export function acceptedType(header: string, accepted: readonly string[]): string | undefined {
  if (header === json && accepted.includes(json)) return json
  const [, name = '', parameters = ''] = mediaTypePattern.exec(header) ?? []
  const type = name.toLowerCase()
  return accepted.includes(type) && isUtf8(parameters) ? type : undefined
}

function isUtf8(parameters: string): boolean {
  return Array.from(parameters.matchAll(parameterPattern), ([, name = '', value = '']) => {
    const text = value.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1')
    return name.toLowerCase() !== 'charset' || /^utf-?8$/i.test(text)
  }).every(Boolean)
}

/** Whether a Content-Encoding means that the body is as it was before. */
export const isUncoded = (codings: string): boolean => codings.split(',').every(coding => /^(identity)?$/i.test(coding.trim()))
