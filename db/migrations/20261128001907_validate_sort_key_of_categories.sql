-- migrate:up
alter table categories validate constraint categories_sort_key_length;

-- migrate:down
select;
