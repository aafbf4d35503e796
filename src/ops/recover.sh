#!/bin/sh
# recover.sh <base backup> <archive> <new data folder> <moment>: makes a data folder that PostgreSQL, when it starts on it, brings to
# what it was at that moment, such as '2027-03-01 12:34:56+00'. The base backup must have ended before it. Run it as the user that
# PostgreSQL runs as; the base backup and the archive stay as they are.
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
