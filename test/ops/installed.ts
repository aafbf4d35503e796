// The newest PostgreSQL that is installed on this machine, with its client programs; null where there is none.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const places = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt']

export const installed: string | null =
  places
    .flatMap(place => (existsSync(place) ? readdirSync(place).map(version => join(place, version, 'bin')) : []))
    .filter(bin => ['initdb', 'pg_ctl', 'pg_dump', 'pg_basebackup', 'psql'].every(program => existsSync(join(bin, program))))
    .sort((a, b) => Number(/\d+/.exec(b)?.[0]) - Number(/\d+/.exec(a)?.[0]))[0] ?? null
