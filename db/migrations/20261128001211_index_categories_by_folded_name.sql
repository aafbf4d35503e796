-- migrate:up transaction:false
create unique index concurrently categories_folded_name_key
  on categories (owner_id, folded(name))
  where deleted_at is null;

-- migrate:down transaction:false
drop index concurrently categories_folded_name_key;
