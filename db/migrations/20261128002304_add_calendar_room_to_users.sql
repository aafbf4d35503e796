-- migrate:up
alter table users add column calendar_room bigint not null default 0;

-- migrate:down
alter table users drop column calendar_room;
