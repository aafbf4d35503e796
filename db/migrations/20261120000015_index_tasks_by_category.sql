-- migrate:up
create index tasks_category_idx
  on tasks (owner_id, category_id);

-- migrate:down
drop index tasks_category_idx;
