-- migrate:up
alter table tasks add column sort_key text collate "C";

-- migrate:down
alter table tasks drop column sort_key;
