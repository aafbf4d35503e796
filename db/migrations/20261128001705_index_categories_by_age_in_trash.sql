-- migrate:up transaction:false
create index concurrently categories_expiry_idx
  on categories (deleted_at, owner_id)
  where deleted_at is not null;

-- migrate:down transaction:false
drop index concurrently categories_expiry_idx;
