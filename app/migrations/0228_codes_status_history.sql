-- What the status of a code was, and from when on: a log of offline scans is judged by the moment of each scan, also
-- when the status has changed twice since. Decoys are no codes and stand here no more than places that nothing happened
-- to. A row goes with its code.
create table codes.status_history (
  shard      integer not null,
  index      integer not null,
  number     bigint generated always as identity,
  status     smallint not null check (status between 0 and 2),
  since      timestamptz not null,
  expires_at timestamptz not null,
  primary key (shard, index, number)
);
create index status_history_expiry on codes.status_history (expires_at);

insert into codes.status_history (shard, index, status, since, expires_at)
select shard, index, status, changed_at, expires_at from codes.status_entry where not decoy;
