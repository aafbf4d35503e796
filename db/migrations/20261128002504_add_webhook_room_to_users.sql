-- migrate:up
alter table users add column webhook_room bigint not null default 0;

-- migrate:down
alter table users drop column webhook_room;
