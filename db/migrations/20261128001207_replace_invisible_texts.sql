-- migrate:up transaction:false
-- online: changes a row at a time, and only rows that show nothing: one reading of each table
-- Release 0.3 accepted titles, labels and names of invisible characters. A title becomes `?`, a label is removed, a name of a user is cleared.
do $$
declare
  found record;
begin
  for found in
    select owner_id, id from tasks where not is_visible(title) or exists (select from unnest(labels) as label where not is_visible(label))
  loop
    with change as (
      update users set revision = revision + 1 where id = found.owner_id returning id as owner_id, revision as next)
    update tasks as item
    set title = case when is_visible(title) then title else '?' end,
      labels = array(select label from unnest(labels) with ordinality as each (label, place) where is_visible(label) order by place),
      revision = next, updated_at = now()
    from change
    where item.owner_id = found.owner_id and item.owner_id = change.owner_id and item.id = found.id;
    commit;
  end loop;
  for found in select id from users where not is_visible(name) loop
    update users set name = null, revision = revision + 1, profile_revision = revision + 1, updated_at = now() where id = found.id;
    commit;
  end loop;
end
$$;

-- migrate:down
select;
