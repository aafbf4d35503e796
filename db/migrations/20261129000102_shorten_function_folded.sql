-- migrate:up
-- A text in ASCII seldom has two blanks together, which costs less to see than a regular expression.
-- online: the function returns what it did, so nothing that is stored changes.
do $do$
begin
  execute replace(pg_get_functiondef('folded(text)'::regprocedure),
$old$    return btrim(regexp_replace(lower(value collate "C"), ' +' collate "C", ' ', 'g'), ' ');
$old$,
$new$    value := btrim(lower(value collate "C"), ' ');
    return case when strpos(value, '  ') = 0 then value else regexp_replace(value, ' +' collate "C", ' ', 'g') end;
$new$);
end
$do$;

-- migrate:down
do $do$
begin
  execute replace(pg_get_functiondef('folded(text)'::regprocedure),
$old$    value := btrim(lower(value collate "C"), ' ');
    return case when strpos(value, '  ') = 0 then value else regexp_replace(value, ' +' collate "C", ' ', 'g') end;
$old$,
$new$    return btrim(regexp_replace(lower(value collate "C"), ' +' collate "C", ' ', 'g'), ' ');
$new$);
end
$do$;
