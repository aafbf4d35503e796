-- migrate:up
alter table categories add column sort_key text collate "C";

-- migrate:down
alter table categories drop column sort_key;
