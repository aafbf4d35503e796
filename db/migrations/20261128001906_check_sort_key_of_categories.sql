-- migrate:up
alter table categories add constraint categories_sort_key_length check (char_length(sort_key) <= 200) not valid;

-- migrate:down
alter table categories drop constraint categories_sort_key_length;
