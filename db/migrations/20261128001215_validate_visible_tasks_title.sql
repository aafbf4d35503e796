-- migrate:up
alter table tasks validate constraint tasks_title_visible;

-- migrate:down
select;
