-- migrate:up
-- A text in ASCII has no run without blanks. And `[^ ]{255}` would be prepared anew for each text, character by character.
-- online: the function returns what it did, so nothing that is stored changes.
do $do$
begin
  execute replace(replace(pg_get_functiondef('search_words(text, text)'::regprocedure),
$old$  if value ~ ('[\u0e01-$old$,
$new$  if octet_length(value) > length(value) and value ~ ('[\u0e01-$new$),
$old$  if value ~ ('[^ ]{$old$,
$new$  if length(value) >= 255 and value ~ ('[^ ]{$new$);
end
$do$;

-- migrate:down
do $do$
begin
  execute replace(replace(pg_get_functiondef('search_words(text, text)'::regprocedure),
$old$  if octet_length(value) > length(value) and value ~ ('[\u0e01-$old$,
$new$  if value ~ ('[\u0e01-$new$),
$old$  if length(value) >= 255 and value ~ ('[^ ]{$old$,
$new$  if value ~ ('[^ ]{$new$);
end
$do$;
