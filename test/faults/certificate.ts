// Certificates made without openssl: X.509 in DER (RFC 5280).
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

export type Certificate = { name: string; certificate: string; key: string; privateKey: KeyObject }

/** A certificate of this name, signed by the issuer, or by itself. */
export function selfSigned(name = 'localhost', issuer?: Certificate): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ecdsaWithSha256 = sequence(object('2a8648ce3d040302'))
  const validity = sequence(time('20200101000000Z'), time('21200101000000Z'))
  const serial = der(0x02, Buffer.of(serials++))
  // Version 1, because it has no extensions. A client that verifies it takes the common name for the host.
  const key = publicKey.export({ type: 'spki', format: 'der' })
  const content = sequence(serial, ecdsaWithSha256, commonName(issuer?.name ?? name), validity, commonName(name), key)
  const signature = der(0x03, Buffer.concat([Buffer.of(0), sign('sha256', content, issuer?.privateKey ?? privateKey)]))
  const body = sequence(content, ecdsaWithSha256, signature).toString('base64').replace(/.{64}/g, '$&\n')
  return {
    name,
    certificate: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    privateKey,
  }
}

let serials = 1
const commonName = (name: string) => sequence(der(0x31, sequence(object('550403'), der(0x0c, Buffer.from(name)))))
const sequence = (...parts: Buffer[]) => der(0x30, Buffer.concat(parts))
const object = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const time = (text: string) => der(0x18, Buffer.from(text))

function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...size), content])
}
