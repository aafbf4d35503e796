-- migrate:up
alter table tasks add constraint tasks_labels_visible check ('' <> all (label_names)) not valid;

-- migrate:down
alter table tasks drop constraint tasks_labels_visible;
