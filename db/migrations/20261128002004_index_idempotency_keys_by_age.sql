-- migrate:up transaction:false
create index concurrently idempotency_keys_expiry_idx
  on idempotency_keys (created_at, owner_id);

-- migrate:down transaction:false
drop index concurrently idempotency_keys_expiry_idx;
