-- migrate:up
alter table users add constraint users_name_visible check (is_visible(name)) not valid;

-- migrate:down
alter table users drop constraint users_name_visible;
