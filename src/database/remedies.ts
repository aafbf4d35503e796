// The meaning and the remedy of each error of a connection, for the programs of operators.
import { errorCode } from './errors.ts'
import { neededValue, WrongSetting } from './session.ts'
import { TimeoutError } from './timeout.ts'

export type Explanation = { code: string; meaning: string; remedy: string }
type Entry = readonly [meaning: string, remedy: string]

const url = 'the URL of the database'
const network = `Check the host and port in ${url}, that the database runs, and the network and firewalls in between.`
const pooler = 'a pooler refuses the settings of the connection'
const setPooler =
  'Set DATABASE_POOLER=transaction for the server. Migrations need the database itself: set MIGRATION_DATABASE_URL to its own address.'
const authority = `Give the certificate of its authority as sslrootcert=/path/to/ca.pem in ${url}.`

const entries: Record<string, Entry> = {
  // SQLSTATEs: PostgreSQL, appendix "Error Codes"
  '08P01': [pooler, setPooler],
  '42704': [pooler, setPooler],
  '26000': ['a pooler lost a prepared statement', setPooler],
  '42P05': ['a pooler mixes prepared statements', setPooler],
  '08004': ['the database or a proxy rejects the connection', 'Look into the log of the database.'],
  '25006': ['the database is read-only', 'Name the primary, or free its disk: providers make a full database read-only.'],
  '28000': [
    'the login is not allowed: the user does not exist, or pg_hba.conf has no entry for this user, host and TLS',
    `Check the user in ${url}. If the database demands TLS, add sslmode=require; else add an entry to pg_hba.conf.`,
  ],
  '28P01': ['wrong user or password', `Check the user and password in ${url}. Write @ : / ? # % in them percent-encoded.`],
  '3D000': ['the database does not exist', `Check the name in ${url}, or create it: create database … encoding 'UTF8' template template0`],
  '42501': [
    'the role lacks a permission',
    'For the server, run db/roles.sql as the owner of the schema, or grant connect on the database. For migrations, set MIGRATION_DATABASE_URL to the owner.',
  ],
  '53100': ['the disk of the database is full', 'Free or extend it.'],
  '53200': ['the database is out of memory', 'Lower DATABASE_POOL_SIZE, or give the database more memory.'],
  '53300': [
    'too many connections',
    'Lower DATABASE_POOL_SIZE or WEB_CONCURRENCY, raise max_connections (of the role too), or put a pooler in between.',
  ],
  '55000': ['the database accepts no connections', 'alter database … allow_connections true'],
  '57014': ['the database took too long', 'Look for locks and load in pg_stat_activity, and for a short statement_timeout of the role.'],
  '57P01': ['the database is shutting down', 'Start it again.'],
  '57P02': ['the database has crashed', 'Look into its log. It restarts by itself.'],
  '57P03': ['the database is starting or recovering', 'Wait, and run this again. Its log shows the progress.'],
  // the driver
  SASL_SIGNATURE_MISMATCH: ['the host does not know the password: it may be another server', `Check the host in ${url}.`],
  CONNECTION_CLOSED: ['the connection was closed at once', network],
  CONNECT_TIMEOUT: ['no reply', network],
  TIMEOUT: ['no reply', network],
  // the network
  ENOTFOUND: ['the name of the host is unknown', `Check the host in ${url}, and the DNS of this machine.`],
  EAI_AGAIN: ['the DNS of this machine does not reply', 'Check its resolver.'],
  ECONNREFUSED: ['nothing listens there', network],
  ECONNRESET: ['the connection was cut', network],
  EHOSTUNREACH: ['the host is not reachable', network],
  ENETUNREACH: ['the network is not reachable', `${network} An IPv6 address needs IPv6 on this machine.`],
  ETIMEDOUT: ['no reply', network],
  ENOENT: ['there is no socket', `Check the folder and the port in ${url}, and unix_socket_directories of the database.`],
  EACCES: ['this user may not open the socket', 'Check the permissions of the socket and its folder.'],
  // TLS
  TLS_REFUSED: ['the database does not offer TLS', 'Switch on its ssl. In a network that you trust, remove sslmode.'],
  EPROTO: ['the TLS handshake failed', `Check that this is a PostgreSQL, and the TLS versions and certificates in ${url}.`],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is self-signed', authority],
  SELF_SIGNED_CERT_IN_CHAIN: ['its certificate is signed by an unknown authority', authority],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['its certificate is signed by an unknown authority', authority],
  UNABLE_TO_GET_ISSUER_CERT: ['its certificate is signed by an unknown authority', authority],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['its certificate is signed by an unknown authority', authority],
  CERT_SIGNATURE_FAILURE: ['its certificate is not of this authority', authority],
  CERT_HAS_EXPIRED: ['its certificate has expired', 'Renew it on the database.'],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet', 'Synchronise the clocks with NTP.'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'its certificate names another host',
    `Connect by a name that the certificate has. sslmode=verify-ca does not compare names.`,
  ],
}
const byPattern: readonly (readonly [RegExp, Entry])[] = [
  [/^ERR_SSL_.*CERTIFICATE_REQUIRED/, ['the database wants a client certificate', `Add sslcert and sslkey to ${url}.`]],
  [/^ERR_(SSL|OSSL)_/, entries.EPROTO as Entry],
  [/^28/, entries['28000'] as Entry],
  [/^08/, entries.CONNECTION_CLOSED as Entry],
  [/^53/, ['the database is out of resources', 'Look into its log.']],
  [/^57/, entries['57P03'] as Entry],
  [/^(58|XX)/, ['an error of the database, or of a proxy that does not know this user', `Check the user and host in ${url}, and its log.`]],
]

/** Of an error or of its causes. */
export function explain(error: unknown): Explanation {
  let found: Explanation = { code: '', meaning: 'an unexpected error', remedy: network }
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof WrongSetting) return wrongSetting(cause)
    const code = cause instanceof TimeoutError ? 'TIMEOUT' : errorCode(cause)
    const [meaning, remedy] = entries[code] ?? byPattern.find(([pattern]) => pattern.test(code))?.[1] ?? []
    if (code !== '') found = { code, meaning: meaning ?? found.meaning, remedy: remedy ?? found.remedy }
  }
  return found
}

function wrongSetting({ setting }: WrongSetting): Explanation {
  return { code: setting, meaning: `${setting} is not what the server needs`, remedy: settingRemedy(setting, `'${neededValue(setting)}'`) }
}

/** `role` is quoted as an identifier. */
export function settingRemedy(setting: string, value = '…', role = '…'): string {
  if (setting === 'server_encoding')
    return "Dump the database, and restore it into a new one: create database … encoding 'UTF8' template template0"
  return `alter role ${role} set ${setting} = ${value === '' ? "''" : value}; then let the pooler reconnect (RECONNECT in PgBouncer).`
}
