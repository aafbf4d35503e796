#!/bin/sh
# backup.sh <file>: dumps the state of one moment into a file that only you can read, with a checksum beside it.
# PGHOST, PGUSER, PGPASSWORD and PGDATABASE configure the connection; use the role that owns the schema. pg_dump must have at least
# the server's version. The file appears only when it is complete.
set -eu
umask 077
file=$1
# db/roles.sql restores the privileges. The rate limit counters (unlogged) are valid for one minute only.
pg_dump --format=custom --no-owner --no-privileges --no-unlogged-table-data --lock-wait-timeout=10s --file="$file.part"
pg_restore --list "$file.part" | grep -q 'TABLE DATA public tasks '
mv "$file.part" "$file"
(cd "$(dirname "$file")" && sha256sum "$(basename "$file")") >"$file.sha256"
