-- migrate:up
-- The revisions up to which there is room for certain; src/quota.ts says why nothing has to be counted now.
alter table users
  add column task_room bigint not null default 0,
  add column category_room bigint not null default 0;

-- migrate:down
alter table users
  drop column task_room,
  drop column category_room;
