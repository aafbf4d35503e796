-- migrate:up
alter table tasks add constraint tasks_sort_key_length check (char_length(sort_key) <= 200) not valid;

-- migrate:down
alter table tasks drop constraint tasks_sort_key_length;
