-- migrate:up transaction:false
-- With tombstones, because they are changes too.
create index concurrently tasks_revision_idx on tasks (owner_id, revision, id);

-- migrate:down transaction:false
drop index concurrently tasks_revision_idx;
