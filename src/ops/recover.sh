#!/bin/sh
# recover.sh <base backup> <archive> <new data folder> <moment>: creates a data folder. When PostgreSQL starts on it, it recovers to
# that moment, such as '2027-03-01 12:34:56+00'. The base backup must have ended before that moment. Run this as the user that
# PostgreSQL runs as. It does not change the base backup or the archive.
set -eu
umask 077
base=$1 archive=$2 data=$3 moment=$4
mkdir "$data"
cp -R "$base/." "$data"
rm -f "$data/postmaster.pid"
cat >>"$data/postgresql.auto.conf" <<conf
restore_command = 'cp "$archive/%f" "%p"'
recovery_target_time = '$moment'
recovery_target_action = 'promote'
conf
: >"$data/recovery.signal"
