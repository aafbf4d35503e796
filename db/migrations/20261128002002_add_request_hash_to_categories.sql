-- migrate:up
alter table categories add column request_hash bytea;

-- migrate:down
alter table categories drop column request_hash;
