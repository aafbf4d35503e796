// TLS to the database, as the parameters of libpq describe it (its manual, section "SSL Support").
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, getCACertificates, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { Parameters } from './database-parameters.ts'

export type Tls = Readonly<{
  /** whether to connect without TLS if the database has none */
  optional: boolean
  /** whether TLS begins at once, without asking the database for it */
  direct: boolean
  /** `ca`: the certificate must be signed by a trusted authority. `full`: and name the host. */
  verify: 'none' | 'ca' | 'full'
  /** whether to send the name of the host, by which proxies find the database */
  sendsName: boolean
  /** certificates and versions */
  context: SecureContext
}>

// `allow` would try without TLS first and send the same data; `no-verify` is what node-postgres calls `require`.
const modes: Record<string, 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'> = {
  disable: 'disable',
  allow: 'prefer',
  prefer: 'prefer',
  require: 'require',
  'no-verify': 'require',
  'verify-ca': 'verify-ca',
  'verify-full': 'verify-full',
}
// `ssl` is of JDBC, which libpq understands too.
const switches: Record<string, string> = {
  true: 'require',
  '1': 'require',
  on: 'require',
  false: 'disable',
  '0': 'disable',
  off: 'disable',
}
const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

/** null: no TLS. Throws an error that names the parameter to change. */
export function readTls(parameters: Parameters): Tls | null {
  const text = (name: string) => parameters.get(name) || null
  const mode = readMode(text)
  const rootCertificate = text('sslrootcert')
  const direct = oneOf('sslnegotiation', ['postgres', 'direct'], text) === 'direct'
  if (mode === 'disable' || mode === 'prefer') {
    for (const name of ['sslrootcert', 'sslcert', 'sslkey', ...(direct ? ['sslnegotiation'] : [])])
      if (text(name) !== null) throw new Error(`must have sslmode=require, verify-ca or verify-full beside ${name}.`)
    if (mode === 'disable') return null
  }
  if (rootCertificate === 'system' && mode !== 'verify-full') throw new Error('must have sslmode=verify-full beside sslrootcert=system.')
  // As in libpq: who names an authority wants it checked.
  const verify = mode === 'verify-full' ? 'full' : mode === 'verify-ca' || rootCertificate !== null ? 'ca' : 'none'
  return {
    optional: mode === 'prefer',
    direct,
    verify,
    sendsName: oneOf('sslsni', ['0', '1'], text) !== '0',
    context: secureContext(rootCertificate, text),
  }
}

type Text = (name: string) => string | null

function readMode(text: Text) {
  const sslmode = oneOf('sslmode', Object.keys(modes), text)
  const ssl = text('ssl') // postgres.js has the values of sslmode there
  const fallback = text('sslrootcert') === 'system' ? 'verify-full' : 'disable'
  const name = sslmode ?? (ssl === null ? fallback : (switches[ssl] ?? ssl))
  if (sslmode !== null && ssl !== null && !agree(ssl, sslmode)) throw new Error('must not have ssl and sslmode with different values.')
  const mode = modes[name]
  if (mode === undefined) throw new Error('must have ssl=true or ssl=false. Better use sslmode.')
  if (oneOf('channel_binding', ['disable', 'prefer', 'require'], text) !== 'require') return mode
  if (sslmode === 'disable') throw new Error('must not have sslmode=disable beside channel_binding=require, which needs TLS.')
  return mode === 'disable' || mode === 'prefer' ? 'require' : mode
}

/** `ssl=true` only says that there is TLS. */
function agree(ssl: string, sslmode: string): boolean {
  const asSwitch = switches[ssl]
  return asSwitch === undefined ? ssl === sslmode : (asSwitch === 'disable') === (sslmode === 'disable')
}

function oneOf(name: string, values: readonly string[], text: Text): string | null {
  const value = text(name)
  if (value !== null && !values.includes(value)) throw new Error(`must have one of these values for ${name}: ${values.join(', ')}.`)
  return value
}

function secureContext(rootCertificate: string | null, text: Text): SecureContext {
  const [cert, key, passphrase] = [text('sslcert'), text('sslkey'), text('sslpassword')]
  if ((cert === null) !== (key === null)) throw new Error('must have both sslcert and sslkey, or none of them.')
  const version = (name: string) => oneOf(name, versions, text)
  const [minVersion, maxVersion] = [version('ssl_min_protocol_version'), version('ssl_max_protocol_version')]
  const options = {
    ...(rootCertificate !== null && { ca: authorities(rootCertificate) }),
    ...(cert !== null && key !== null && { cert: file('sslcert', cert), key: file('sslkey', key) }),
    ...(passphrase !== null && { passphrase }),
    ...(minVersion !== null && { minVersion }),
    ...(maxVersion !== null && { maxVersion }),
  } as SecureContextOptions
  try {
    return createSecureContext(options)
  } catch (cause) {
    throw new Error('must have a certificate in sslcert, its key in sslkey, both as PEM, and the password of the key in sslpassword.', {
      cause,
    })
  }
}

/** `system` is what Node trusts and what the machine trusts: a container often has no certificates of its own. */
function authorities(path: string): string | string[] {
  if (path === 'system') return [...getCACertificates('default'), ...getCACertificates('system')]
  const pem = file('sslrootcert', path)
  try {
    new X509Certificate(pem)
  } catch (cause) {
    throw new Error('must have in sslrootcert the path of a file with certificates as PEM, or the word system.', { cause })
  }
  return pem
}

function file(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new Error(
      `must have in ${name} the path of a file that this process can read (${code}). A relative path begins at the working directory.`,
      { cause },
    )
  }
}
