-- migrate:up
create unique index categories_name_key
  on categories (owner_id, lower(name collate "und-x-icu"))
  where deleted_at is null;

-- migrate:down
drop index categories_name_key;
