#!/bin/sh
# roles.sh <db/roles.sql>: creates the server's role with SERVER_PASSWORD as its password. PGHOST, PGUSER … configure the connection;
# use the role that owns the schema. It is idempotent.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --single-transaction --file "$1" --file - <<'sql'
\getenv password SERVER_PASSWORD
alter role taskspec_server password :'password';
sql
