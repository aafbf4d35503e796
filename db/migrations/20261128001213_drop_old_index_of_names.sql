-- migrate:up transaction:false
drop index concurrently categories_name_key;

-- migrate:down transaction:false
create unique index concurrently categories_name_key
  on categories (owner_id, lower(name collate "und-x-icu"))
  where deleted_at is null;
