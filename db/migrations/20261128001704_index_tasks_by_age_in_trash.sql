-- migrate:up transaction:false
create index concurrently tasks_expiry_idx
  on tasks (deleted_at, owner_id)
  where deleted_at is not null;

-- migrate:down transaction:false
drop index concurrently tasks_expiry_idx;
