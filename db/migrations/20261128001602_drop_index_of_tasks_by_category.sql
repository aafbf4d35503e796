-- migrate:up transaction:false
-- The new index serves the foreign key too: it begins with the same columns.
drop index concurrently tasks_category_idx;

-- migrate:down transaction:false
create index concurrently tasks_category_idx on tasks (owner_id, category_id);
