-- migrate:up transaction:false
create index concurrently categories_sort_key_idx
  on categories (
    owner_id,
    (case
      when (position = 0 or sort_key >= 'h' || lpad(to_hex(position), 8, '0'))
        and (position = 1000000 or sort_key < 'h' || lpad(to_hex(position + 1), 8, '0')) then sort_key
      else 'h' || lpad(to_hex(position), 8, '0')
        || lpad(to_hex((extract(epoch from created_at at time zone 'UTC') * 1000000)::bigint), 13, '0') || '1'
    end),
    id)
  where deleted_at is null;

-- migrate:down transaction:false
drop index concurrently categories_sort_key_idx;
