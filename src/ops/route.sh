#!/bin/sh
# route.sh <prefix> <cell>: sends the requests of the accounts whose SHA-256 begins with the prefix to this cell: from now on, and after a
# restart of HAProxy. `moving` has no servers, so they get 503. Run it for each proxy.
# MAP is the path of cells.map, and ADMIN the socket of HAProxy, both as in the environment of the proxy.
set -eu
prefix=$1 cell=$2
fail() { echo "$1" >&2; exit 1; }
ask() { echo "$1" | curl --silent --show-error --unix-socket "$ADMIN" telnet://haproxy; }

case $prefix in '' | *[!0-9a-f]*) fail 'The prefix must be lower case hexadecimal digits.' ;; esac
case $cell in cell-* | moving) ;; *) fail 'The cell must be cell-… or moving.' ;; esac
ask 'show backend' | grep -qx "$cell" || fail "HAProxy has no backend $cell"
# The file first: if this stops between the two, the next run completes it.
{ sed "/^$prefix /d" "$MAP"; echo "$prefix $cell"; } >"$MAP.part"
cat "$MAP.part" >"$MAP" # not mv: the file may be a mount of its own
rm "$MAP.part"
reply=$(ask "set map $MAP $prefix $cell")
[ "$reply" != 'entry not found.' ] || reply=$(ask "add map $MAP $prefix $cell")
[ -z "$reply" ] || fail "$reply"
