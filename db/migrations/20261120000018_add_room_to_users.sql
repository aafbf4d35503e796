-- migrate:up
-- The revision up to which an insert is certainly within the quota. src/domain/quota.ts explains why no rows are counted here.
alter table users
  add column task_room bigint not null default 0,
  add column category_room bigint not null default 0;

-- migrate:down
alter table users
  drop column task_room,
  drop column category_room;
