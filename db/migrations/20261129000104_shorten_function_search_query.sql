-- migrate:up
-- A text in ASCII has no run without blanks.
-- online: the function returns what it did, so nothing that is stored changes.
do $do$
begin
  execute replace(pg_get_functiondef('search_query(text, text)'::regprocedure),
$old$  if value ~ ('[\u0e01-$old$,
$new$  if octet_length(value) > length(value) and value ~ ('[\u0e01-$new$);
end
$do$;

-- migrate:down
do $do$
begin
  execute replace(pg_get_functiondef('search_query(text, text)'::regprocedure),
$old$  if octet_length(value) > length(value) and value ~ ('[\u0e01-$old$,
$new$  if value ~ ('[\u0e01-$new$);
end
$do$;
