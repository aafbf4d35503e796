-- migrate:up
-- The time zones of the server are those of Node. PostgreSQL may know fewer, and refuse the others. Not parallel safe: it makes a subtransaction.
create function instant_of(wall_clock timestamp, zone text)
returns timestamptz
language plpgsql immutable strict
as $$
begin
  return wall_clock at time zone zone;
exception when invalid_parameter_value then
  return wall_clock at time zone 'UTC';
end
$$;

-- migrate:down
drop function instant_of;
