-- migrate:up
create index categories_position_idx
  on categories (owner_id, position, id)
  where deleted_at is null;

-- migrate:down
drop index categories_position_idx;
