-- migrate:up
-- The last or the first of the reminders: as a wall clock shows it that is in the time zone of the task, or in UTC for an instant. `due` is
-- such a time too. Immutable although a cast from text is not, because each instant ends with Z.
create function reminder_edge(reminders jsonb, due timestamp, is_last boolean)
returns timestamp
language plpgsql immutable parallel safe
as $$
begin
  return (
    select case when is_last then max(wall_clock) else min(wall_clock) end
    from jsonb_array_elements(reminders) as each (reminder),
      lateral (select coalesce(
        (reminder ->> 'at')::timestamptz at time zone 'UTC',
        due - make_interval(mins => (reminder ->> 'minutesBefore')::integer))) as time (wall_clock));
end
$$;

-- migrate:down
drop function reminder_edge;
