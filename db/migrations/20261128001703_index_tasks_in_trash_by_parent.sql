-- migrate:up transaction:false
create index concurrently tasks_trash_parent_idx
  on tasks (owner_id, parent_id)
  where deleted_at is not null and parent_id is not null;

-- migrate:down transaction:false
drop index concurrently tasks_trash_parent_idx;
