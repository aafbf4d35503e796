#!/bin/sh
# restore.sh <file> <new database> <db/roles.sql>: creates the database from a file of backup.sh, compares every row, and begins a new
# history (new-history.sql), so that no client takes the older state for what it knows.
# PGHOST, PGUSER and PGPASSWORD configure the connection; use the role that owns the schema, which needs createdb.
# It fails if the database exists, and changes no other database. Switch the servers to the new one, then drop the old one.
set -eu
umask 077
file=$1 database=$2 roles=$3
(cd "$(dirname "$file")" && sha256sum --check --quiet "$(basename "$file").sha256")
createdb --template=template0 "$database"
pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname="$database" "$file"
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --single-transaction --dbname="$database" --file="$roles" --command=analyze

# File and database must have the same rows, in any order. Comments and the random key of \restrict are ignored.
rows() { grep -v -e '^--' -e '^\\' | LC_ALL=C sort | sha256sum; }
kept=$(pg_restore --data-only --file=- "$file" | rows)
there=$(pg_dump --data-only --no-unlogged-table-data "$database" | rows)
[ "$kept" = "$there" ] || { echo "$database differs from $file" >&2; exit 1; }
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname="$database" --file="$(dirname "$0")/new-history.sql"
echo "$database has the content of $file"
