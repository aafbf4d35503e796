-- After the restore of an older state: gives every account a revision that no lost change can have had. So each cursor of the lost history is
-- expired, also one that the accounts would reach again, and no ETag of a lost change matches. Run it before the servers use the database.
-- The numbers that the quotas count from move with the revision: the account has no more rows than before.
with raised as (
  select id, greatest(revision + 1, (extract(epoch from now()) * 1000)::bigint) as next
  from users)
update users as u
set revision = next, purged_revision = next,
  start_revision = u.start_revision + (next - u.revision),
  task_room = u.task_room + (next - u.revision),
  category_room = u.category_room + (next - u.revision),
  calendar_room = u.calendar_room + (next - u.revision),
  webhook_room = u.webhook_room + (next - u.revision)
from raised
where u.id = raised.id;
