-- migrate:up
-- `start_revision` is the revision before the first change: quotas count from it. `purged_revision` is the highest revision of a purged
-- tombstone: a delta from below it would be incomplete.
alter table users
  add column start_revision bigint not null default 0,
  add column purged_revision bigint not null default 0;

-- migrate:down
alter table users
  drop column start_revision,
  drop column purged_revision;
