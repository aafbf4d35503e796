-- migrate:up
alter table tasks validate constraint tasks_sort_key_length;

-- migrate:down
select;
