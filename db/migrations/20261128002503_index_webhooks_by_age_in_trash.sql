-- migrate:up transaction:false
create index concurrently webhooks_expiry_idx
  on webhooks (deleted_at, owner_id)
  where deleted_at is not null;

-- migrate:down transaction:false
drop index concurrently webhooks_expiry_idx;
