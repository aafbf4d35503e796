-- migrate:up transaction:false
-- online: changes a row at a time, and only rows whose name is invisible or looks like the name of an older category of the same owner
-- `Home ` beside `Home` becomes `Home (2)`, so that the unique index of the names can be created. A name that shows nothing becomes `?`.
do $$
declare
  found record;
  candidate text;
begin
  for found in
    select owner_id, id, name, deleted_at
    from (
      select *, row_number() over (partition by owner_id, folded(name), deleted_at is null order by created_at, id) as place
      from categories) as numbered
    where not is_visible(name) or (deleted_at is null and place > 1)
  loop
    for number in 1 .. 1000000 loop
      candidate := case when is_visible(found.name) then left(found.name, 90) else '?' end
        || case when number = 1 then '' else ' (' || number || ')' end;
      exit when found.deleted_at is not null or not exists (
        select from categories
        where owner_id = found.owner_id and id <> found.id and deleted_at is null and folded(name) = folded(candidate));
    end loop;
    with change as (
      update users set revision = revision + 1 where id = found.owner_id returning id as owner_id, revision as next)
    update categories as item
    set name = candidate, revision = next, updated_at = now()
    from change
    where item.owner_id = found.owner_id and item.owner_id = change.owner_id and item.id = found.id;
    commit;
  end loop;
end
$$;

-- migrate:down
select;
