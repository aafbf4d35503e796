#!/bin/sh
# roles.sh <db/roles.sql>: the server's role, and SERVER_PASSWORD as its password. Connects as PGHOST, PGUSER … say, as the role that
# owns the schema. May be run again.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --single-transaction --file "$1" --file - <<'sql'
\getenv password SERVER_PASSWORD
alter role taskspec_server password :'password';
sql
