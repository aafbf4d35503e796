-- migrate:up
alter table tasks validate constraint tasks_labels_visible;

-- migrate:down
select;
