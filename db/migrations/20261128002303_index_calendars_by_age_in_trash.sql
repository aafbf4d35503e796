-- migrate:up transaction:false
create index concurrently calendars_expiry_idx
  on calendars (deleted_at, owner_id)
  where deleted_at is not null;

-- migrate:down transaction:false
drop index concurrently calendars_expiry_idx;
