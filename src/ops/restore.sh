#!/bin/sh
# restore.sh <file> <new database> <db/roles.sql>: makes the database from what backup.sh wrote, and compares every row of the two.
# Connects as PGHOST, PGUSER and PGPASSWORD say, as the role that owns the schema; it must be allowed to create databases (createdb).
# A database of that name is left alone: point the servers to the new one when it is right, and drop the old one then.
set -eu
umask 077
file=$1 database=$2 roles=$3
(cd "$(dirname "$file")" && sha256sum --check --quiet "$(basename "$file").sha256")
createdb --template=template0 "$database"
pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname="$database" "$file"
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --single-transaction --dbname="$database" --file="$roles" --command=analyze

# What was in the file must be what is in the database. Rows may lie in another order; comments and a random word are left out.
rows() { grep -v -e '^--' -e '^\\' | LC_ALL=C sort | sha256sum; }
kept=$(pg_restore --data-only --file=- "$file" | rows)
there=$(pg_dump --data-only --no-unlogged-table-data "$database" | rows)
[ "$kept" = "$there" ] || { echo "$database is not what $file has" >&2; exit 1; }
echo "$database is what $file has"
