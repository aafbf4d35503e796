-- migrate:up
-- No foreign key: what is below a task changes with it in one statement, which holds only for the revision of the account that it has read
-- (src/domain/subtasks.ts). The key of a parent would need an index on its tombstones, too.
alter table tasks
  add column parent_id uuid,
  add column depth integer not null default 0;

-- migrate:down
alter table tasks
  drop column parent_id,
  drop column depth;
