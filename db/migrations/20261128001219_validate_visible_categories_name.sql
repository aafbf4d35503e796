-- migrate:up
alter table categories validate constraint categories_name_visible;

-- migrate:down
select;
