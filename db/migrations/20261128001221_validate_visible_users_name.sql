-- migrate:up
alter table users validate constraint users_name_visible;

-- migrate:down
select;
