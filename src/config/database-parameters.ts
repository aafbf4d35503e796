// The parameters of a database URL: each is understood, has no effect, or is refused by its name.
// Nothing of a URL reaches PostgreSQL as a setting, because a setting can change how values are read and written.

export type Parameters = ReadonlyMap<string, string>

// Those of libpq 18, with the reason of a refusal.
const understood = words(`host port dbname user password application_name sslmode ssl sslrootcert sslcert sslkey sslpassword sslnegotiation
  sslsni ssl_min_protocol_version ssl_max_protocol_version target_session_attrs channel_binding options`)
const withoutEffect = words(`connect_timeout fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count
  tcp_user_timeout gssencmode krbsrvname gsslib gssdelegation sslcompression sslcertmode load_balance_hosts min_protocol_version
  max_protocol_version`)
const refused: Record<string, string> = {
  hostaddr: 'Name the address as the host.',
  passfile: 'Put the password into the URL.',
  service: 'Put the values of the service into the URL.',
  servicefile: 'Put the values of the service into the URL.',
  replication: 'The server needs an ordinary connection.',
  requiressl: 'Use sslmode=require.',
  require_auth: 'The driver takes the method that the database asks for. Restrict it in pg_hba.conf.',
  requirepeer: 'The owner of a socket is not checked. Protect the folder of the socket.',
  sslcrl: 'Revocation lists are not supported.',
  sslcrldir: 'Revocation lists are not supported.',
  sslkeylogfile: 'Keys of TLS are not logged.',
  scram_client_key: 'Use a password.',
  scram_server_key: 'Use a password.',
  oauth_issuer: 'Use a password or a client certificate.',
  oauth_client_id: 'Use a password or a client certificate.',
  oauth_client_secret: 'Use a password or a client certificate.',
  oauth_scope: 'Use a password or a client certificate.',
  // of other clients, where they decide about safety
  sslaccept: 'Use sslmode=verify-full.',
  tls: 'Use sslmode=verify-full.',
  sslidentity: 'Use sslcert and sslkey.',
  sslfactory: 'Use sslmode=verify-full.',
  targetservertype: 'Use target_session_attrs=primary.',
}
/** Values that this server could not keep to. */
const refusedValues: Record<string, RegExp> = {
  gssencmode: /^require$/,
  sslcertmode: /^require$/,
  min_protocol_version: /^(?!3\.0$)/,
  options: /(?:)/, // what `commandLine` could not read
}
// Settings that the server fixes itself, or replaces by its own.
const settings = words(`timezone datestyle intervalstyle client_encoding standard_conforming_strings bytea_output extra_float_digits
  default_transaction_isolation statement_timeout lock_timeout idle_in_transaction_session_timeout jit encoding charset`)
const schemas = words('schema search_path currentschema schema_search_path')
// Of Prisma, SQLAlchemy, asyncpg, Rails, Django, JDBC, pgx, lib/pq, sqlx, node-postgres, postgres.js, Supabase.
const ofOtherTools = words(`pgbouncer connection_limit pool_timeout socket_timeout statement_cache_size prepared_statement_cache_size
  prepared_statement_name_func command_timeout async_fallback conn_max_age conn_health_checks disable_server_side_cursors pool pool_size
  max_overflow pool_recycle pool_pre_ping prepared_statements reaping_frequency checkout_timeout advisory_locks min_messages timeout
  adapter preparethreshold preparedstatementcachequeries preparedstatementcachesizemib prefersimpleprotocol prefer_simple_protocol
  preferquerymode rewritebatchedinserts applicationname logintimeout connecttimeout sockettimeout tcpkeepalive binarytransfer
  defaultrowfetchsize stringtype hostrecheckseconds autosave assumeminserverversion loadbalancehosts pool_max_conns pool_min_conns
  pool_min_idle_conns pool_max_conn_lifetime pool_max_conn_lifetime_jitter pool_max_conn_idle_time pool_health_check_period
  default_query_exec_mode statement_cache_capacity statement_cache_mode description_cache_capacity binary_parameters
  disable_prepared_binary_result statement-cache-capacity uselibpqcompat max min idletimeoutmillis connectiontimeoutmillis query_timeout
  keepalive keepaliveinitialdelaymillis allowexitonidle idle_timeout max_lifetime max_pipeline keep_alive prepare fetch_types backoff
  debug supa workaround serverversion lc_monetary parsetime connection_timeout pool_mode`)

/** Throws an error that names every parameter that is refused, and none of their values. */
export function judge(parameters: Parameters, hostCount: number): { primary: boolean; warning: string | null } {
  const entries = [...parameters].flatMap(([name, value]) => (name === 'options' ? commandLine(value) : [[name, value] as const]))
  const faults = entries.map(([name, value]) => fault(name, value)).filter(each => each !== null)
  // An unencoded & cuts a password in two, of which the second part would look like a name.
  if (faults.length > 0 && ['password', 'sslpassword'].some(each => parameters.has(each)))
    throw new Error('has a parameter that is not supported. Write & in a password as %26.')
  if (faults.length > 0) throw new Error(`must not have ${faults.join(' It must not have ')}`)
  const ignored = entries.map(([name]) => name).filter(name => !understood.has(name) && !withoutEffect.has(name))
  return { primary: isPrimary(parameters.get('target_session_attrs'), hostCount), warning: warning([...new Set(ignored)], parameters) }
}

function fault(name: string, value: string): string | null {
  const lower = name.toLowerCase()
  const reason = refused[name] ?? refused[lower]
  if (reason !== undefined) return `the parameter ${name}. ${reason}`
  if (refusedValues[name]?.test(value)) return `the parameter ${name} with this value. Remove it.`
  if (understood.has(name) || withoutEffect.has(name) || settings.has(lower) || ofOtherTools.has(lower)) return null
  if (name.startsWith('x-') || /^(endpoint|project)$/.test(name)) return null
  if (schemas.has(lower))
    return value === 'public' ? null : `the parameter ${name} with another value than public, the schema of its tables.`
  if (understood.has(lower)) return `the parameter ${name}. Write it as ${lower}.`
  const shown = /^[\w.-]{1,63}$/.test(name) ? name : 'with a name of other characters'
  return `the parameter ${shown}, which is unknown. Remove it. A setting of PostgreSQL belongs to the role: alter role … set …`
}

/** The settings in `options`, which are arguments of a PostgreSQL: `-c name=value`, `--name=value`. Neon's `endpoint=…` is one of a proxy. */
function commandLine(text: string): [name: string, value: string][] {
  const list = text.match(/(?:\\.|[^\\\s])+/gs) ?? []
  return list
    .filter(each => each !== '-c')
    .map(each => {
      const [, name = 'options', value = ''] = /^(?:-c|--)?([\w.][\w.-]*)=(.*)$/s.exec(each) ?? []
      return [name.replaceAll('-', '_'), value]
    })
}

function isPrimary(value = '', hostCount: number): boolean {
  if (value === 'read-write' || value === 'primary') return true
  if (value === '' || (value === 'any' && hostCount === 1)) return hostCount > 1
  throw new Error(
    'must have target_session_attrs=read-write, target_session_attrs=primary or no target_session_attrs: every statement goes to the primary',
  )
}

function warning(ignored: string[], parameters: Parameters): string | null {
  const sentences = ignored.length === 0 ? [] : [`has parameters without effect here: ${ignored.join(', ')}.`]
  if (parameters.get('channel_binding') === 'require' && parameters.get('sslmode') !== 'verify-full')
    sentences.push('has channel_binding=require, which the driver does not support. sslmode=verify-full protects against the same attack.')
  return sentences.length === 0 ? null : sentences.join(' It ')
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/))
}
