-- migrate:up
alter table categories add constraint categories_name_visible check (is_visible(name)) not valid;

-- migrate:down
alter table categories drop constraint categories_name_visible;
