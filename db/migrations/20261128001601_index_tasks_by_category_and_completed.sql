-- migrate:up transaction:false
create index concurrently tasks_category_completed_idx on tasks (owner_id, category_id, completed);

-- migrate:down transaction:false
drop index concurrently tasks_category_completed_idx;
