#!/bin/sh
# Moves the accounts of a line of cells.map to another cell, after `route.sh <prefix> moving`:
# move-accounts.sh copy <prefix> <folder>: copies them from SOURCE to TARGET and compares every row. It can be repeated.
# move-accounts.sh erase <prefix> <folder>: erases them at SOURCE, unless something has changed there since.
# MAP is the path of cells.map. SOURCE and TARGET are connection strings of the roles that own the schemas, with the passwords in
# PGPASSFILE. The folder is created, and then has all data of these accounts, for you alone. Nothing is printed but counts.
# Cursors of the list of changes are of one database: at TARGET they are 410, and clients read the snapshot.
set -eu
umask 077
export PGCLIENTENCODING=UTF8
verb=$1 prefix=$2 folder=$3
tables='users categories tasks calendars webhooks webhook_deliveries idempotency_keys' # each after those that it references
say() { printf '%s\n' "$@"; } # not echo, which reads backslashes in some shells
fail() { say "$1" >&2; exit 1; }
case $prefix in '' | *[!0-9a-f]*) fail 'The prefix must be lower case hexadecimal digits.' ;; esac
[ "$verb" != copy ] || grep -qx "$prefix moving" "$MAP" || fail "Run route.sh $prefix moving first."

# Accounts with a longer line of their own do not belong to this one. The pattern has their prefixes, and `-`, which no account has.
others="^(-$(sed -n "s/^\($prefix[0-9a-f][0-9a-f]*\) .*/|\1/p" "$MAP" | tr -d '\n'))"
owners="(select id from (select id, encode(sha256(convert_to(id, 'UTF8')), 'hex') as account from public.users) as each
  where starts_with(account, :'prefix') and account !~ :'others')"
# Terse errors have no values of rows.
run() {
  psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 --set VERBOSITY=terse \
    --set prefix="$prefix" --set others="$others" --dbname="$1"
}
begin() {
  say 'begin isolation level repeatable read;' 'set local statement_timeout = 0;' \
    'set local datestyle = iso;' 'set local timezone = utc;' 'set local intervalstyle = postgres;'
}
migrations() { say 'select version from public.schema_migrations order by version' | run "$1"; }
# All columns that are not generated.
columns() {
  say "select string_agg(quote_ident(attname), ', ' order by attname) from pg_attribute
    where attrelid = 'public.$1'::regclass and attnum > 0 and not attisdropped and attgenerated = ''" | run "$SOURCE"
}
# Writes the rows of each table to a file in this folder.
dump() {
  for table in $tables; do
    key='owner_id, id'
    case $table in users) key=id ;; webhook_deliveries) key='owner_id, webhook_id, id' ;; idempotency_keys) key='owner_id, operation, key_hash' ;; esac
    say "copy (select $(cat "columns/$table") from public.$table where ${key%%,*} in $owners order by $key) to stdout \\g $1/$table"
  done
}
load() {
  for table in $tables; do say "\\copy public.$table ($(cat "columns/$table")) from 'source/$table'"; done
}
# Writes what requests change: no deleted rows and no keys, because the servers of the cell still remove old ones, and that raises two
# revisions. A request with a key changes another table too. The last use of a link is no change, and
# the servers deliver to webhooks and disable them.
dump_live() {
  for table in users categories tasks calendars webhooks; do
    key='owner_id, id' only='deleted_at is null' shown=$(cat "columns/$table")
    [ "$table" != calendars ] || shown=$(say "$shown" | sed 's/ last_used_at,//')
    [ "$table" != webhooks ] || shown='owner_id, id, url, kinds, secret, previous_secret'
    [ "$table" != users ] || key=id only=true shown=$(say "$shown" | sed 's/ purged_revision,//; s/ revision,//')
    say "copy (select $shown from public.$table where ${key%%,*} in $owners and $only order by $key) to stdout \\g $1/$table"
  done
}
# Commits if both folders have the same rows.
commit_if_same() {
  say "\\set same \`diff -qr $1 $2 >/dev/null && echo true || echo false\`" '\if :same' 'commit;' '\else' 'rollback;' '\endif'
}
counts() { for table in $tables; do say "$(wc -l <"source/$table") $table"; done | paste -sd ' ' -; }

case $verb in
copy)
  mkdir -p "$folder"
  cd "$folder"
  [ ! -e copied ] || fail 'These accounts were copied before.'
  mkdir -p columns source target live
  # The servers may still work on requests from before `moving`. None takes longer.
  sleep "${DRAIN_SECONDS:-60}"
  migrations "$SOURCE" >migrations
  migrations "$TARGET" | cmp -s migrations - || fail 'SOURCE and TARGET have different migrations.'
  for table in $tables; do columns "$table" >"columns/$table"; done
  { begin; dump source; dump_live live; say 'commit;'; } | run "$SOURCE"
  [ -s source/users ] || fail 'SOURCE has no such account.'
  {
    begin
    say "select count(*) = 0 as absent from public.users where id in $owners \\gset" '\if :absent'
    load
    say '\endif'
    dump target
    commit_if_same source target
  } | run "$TARGET"
  diff -qr source target >/dev/null || fail 'TARGET has other rows of these accounts. Nothing was changed.'
  say "$others" >copied
  say "TARGET has every row of SOURCE: $(counts)"
  ;;
erase)
  cd "$folder"
  [ -e copied ] || fail 'These accounts were not copied.'
  [ "$(cat copied)" = "$others" ] || fail 'cells.map has other lines below this prefix since the copy. Nothing was erased.'
  mkdir -p erased
  {
    begin
    say "select from public.users where id in $owners for update \\g /dev/null"
    dump_live erased
    say "delete from public.users where id in $owners;"
    commit_if_same live erased
  } | run "$SOURCE"
  diff -qr live erased >/dev/null || fail 'SOURCE has changed since the copy. Nothing was erased.'
  say "SOURCE has erased them: $(counts)"
  ;;
*) fail 'The first word must be copy or erase.' ;;
esac
