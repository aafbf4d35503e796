-- migrate:up
-- Each text as `folded` returns it. In PL/pgSQL, because its plan is kept for a connection: as a function in SQL it doubled the time of a
-- check or a generated column.
create function folded_all(list text[]) returns text[]
  language plpgsql immutable strict parallel safe
as $$
declare
  result text[] := '{}';
  each text;
begin
  foreach each in array list loop
    result := result || public.folded(each); -- pg_restore has no search path
  end loop;
  return result;
end
$$;

-- migrate:down
drop function folded_all(text[]);
