-- migrate:up transaction:false
create unique index concurrently webhook_deliveries_pending_idx
  on webhook_deliveries (owner_id, webhook_id)
  where state = 'pending';

-- migrate:down transaction:false
drop index concurrently webhook_deliveries_pending_idx;
