-- migrate:up transaction:false
create index concurrently tasks_trash_idx
  on tasks (owner_id, deleted_at, id)
  where deleted_at is not null;

-- migrate:down transaction:false
drop index concurrently tasks_trash_idx;
