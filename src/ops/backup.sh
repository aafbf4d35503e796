#!/bin/sh
# backup.sh <file>: all accounts as they are at one moment, in one file that only you can read, and its checksum beside it.
# Connects as PGHOST, PGUSER, PGPASSWORD and PGDATABASE say, as the role that owns the schema. Needs pg_dump of the server's version
# or a newer one. The file appears when it is whole.
set -eu
umask 077
file=$1
# Who may do what is db/roles.sql's, and the counters of requests are of this minute only.
pg_dump --format=custom --no-owner --no-privileges --no-unlogged-table-data --lock-wait-timeout=10s --file="$file.part"
pg_restore --list "$file.part" | grep -q 'TABLE DATA public tasks '
mv "$file.part" "$file"
(cd "$(dirname "$file")" && sha256sum "$(basename "$file")") >"$file.sha256"
