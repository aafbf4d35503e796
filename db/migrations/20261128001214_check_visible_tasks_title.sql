-- migrate:up
alter table tasks add constraint tasks_title_visible check (is_visible(title)) not valid;

-- migrate:down
alter table tasks drop constraint tasks_title_visible;
