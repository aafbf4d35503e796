// Lists of ETags in If-Match and If-None-Match: RFC 9110, section 8.8.3. The contract has checked that a header is `*` or such a list.

const tagsOf = /(?:W\/)?"[!#-~\x80-\xff]*"/g

export const isAny = (header: string | undefined): boolean => header?.trim() === '*'
export const tags = (header: string): string[] => header.match(tagsOf) ?? []
/** Without the mark of a weak ETag. */
export const opaque = (tag: string): string => tag.replace(/^W\//, '')

/** Strong comparison, character by character, for If-Match. */
export const namesStrongly = (header: string, current: string): boolean => isAny(header) || tags(header).includes(current)
/** Weak comparison, for If-None-Match. */
export const namesWeakly = (header: string, current: string): boolean => isAny(header) || tags(header).some(tag => opaque(tag) === current)
