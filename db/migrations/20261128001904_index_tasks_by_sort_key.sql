-- migrate:up transaction:false
create index concurrently tasks_sort_key_idx
  on tasks (
    owner_id,
    coalesce(sort_key, 'm' || lpad(to_hex((extract(epoch from created_at at time zone 'UTC') * 1000000)::bigint), 13, '0')),
    id)
  where deleted_at is null;

-- migrate:down transaction:false
drop index concurrently tasks_sort_key_idx;
