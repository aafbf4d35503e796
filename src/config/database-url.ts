// A database may have several hosts, of which one takes writes: postgres://user@one:5432,two:5432/name, as libpq has it and a URL can't.

export type Hosts = {
  /** one for each host */
  urls: string[]
  /** whether a host must take writes to be the right one */
  primary: boolean
}

/** Throws what the text must be, in words that follow "must" and quote nothing of it. */
export function hosts(text: string): Hosts {
  const [, start = '', names = '', end = ''] = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/i.exec(text) ?? []
  const several = names.includes(',')
  const parts = names.split(',')
  const urls = parts.map(name => `${start}${name}${end}`)
  if (!urls.every(url => URL.canParse(url)) || (several && parts.includes('')))
    throw new Error(
      'be a URL that starts with postgres:// or postgresql://; of several hosts each with its port: postgres://user@one:5432,two:5432/name',
    )
  const wanted = new URL(urls[0] as string).searchParams.get(attribute)
  if (wanted !== null && wanted !== 'read-write' && wanted !== 'primary')
    throw new Error(`have ${attribute}=read-write, or primary, or none: everything is sent to the primary`)
  return { urls: wanted === null ? urls : urls.map(without), primary: several || wanted !== null }
}

const attribute = 'target_session_attrs'

function without(text: string): string {
  const url = new URL(text)
  url.searchParams.delete(attribute)
  return url.href
}
