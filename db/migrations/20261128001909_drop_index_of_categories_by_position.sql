-- migrate:up transaction:false
-- An account has few categories, so the previous release sorts them without it.
drop index concurrently categories_position_idx;

-- migrate:down transaction:false
create index concurrently categories_position_idx on categories (owner_id, position, id) where deleted_at is null;
