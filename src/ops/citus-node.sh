#!/bin/sh
# citus-node.sh <command> …: starts a node of Citus. The nodes connect to each other as the role of the session, and libpq takes its
# password from PGPASSFILE. So each role has the same password on every node. The image runs this as root, and PostgreSQL as postgres.
set -eu
umask 077
install -d -o postgres -g postgres -m 700 /archive

entry() { printf '*:*:*:%s:%s\n' "$1" "$(printf %s "$2" | sed 's/[\\:]/\\&/g')"; }
{
  entry postgres "$POSTGRES_PASSWORD"
  entry taskspec_owner "$OWNER_PASSWORD"
  entry taskspec_server "$SERVER_PASSWORD"
} >"$PGPASSFILE"
chown postgres "$PGPASSFILE"
exec docker-entrypoint.sh "$@"
