-- migrate:up
create index tasks_due_date_downwards_idx
  on tasks (owner_id, coalesce(due_date, '-infinity'::date), id)
  where deleted_at is null;

-- migrate:down
drop index tasks_due_date_downwards_idx;
