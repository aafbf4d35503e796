-- migrate:up transaction:false
-- The release before sorts by date and id. The new index has the date first, so PostgreSQL sorts the tasks of one day only.
drop index concurrently tasks_due_date_idx;

-- migrate:down transaction:false
create index concurrently tasks_due_date_idx
  on tasks (owner_id, coalesce(due_date, 'infinity'::date), id)
  where deleted_at is null;
