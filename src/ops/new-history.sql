-- After the restore of an older state: gives every account a revision that no lost change can have had. So each cursor of the lost history is
-- expired, also one that the accounts would reach again, and no ETag of a lost change matches. Run it before the servers use the database.
update users
set revision = greatest(revision + 1, (extract(epoch from now()) * 1000)::bigint),
  purged_revision = greatest(revision + 1, (extract(epoch from now()) * 1000)::bigint);
