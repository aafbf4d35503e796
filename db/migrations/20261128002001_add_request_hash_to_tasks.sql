-- migrate:up
alter table tasks add column request_hash bytea;

-- migrate:down
alter table tasks drop column request_hash;
