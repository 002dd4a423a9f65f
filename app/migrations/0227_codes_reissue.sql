-- Keys whose grants phones are asked to exchange before their time: after a withdrawal, or in a drill.
create table codes.reissue (
  kid            text primary key check (kid ~ '^[0-9a-f]{8}$'),
  announced_at   timestamptz not null,
  spread_seconds integer not null check (spread_seconds between 0 and 86400),
  withdrawn      boolean not null
);
create index reissue_announced on codes.reissue (announced_at);

-- What was fetched before the city asked for an exchange counts no longer against the day's four refills.
alter table codes.grant_batch drop constraint grant_batch_refill_check;
alter table codes.grant_batch add constraint grant_batch_refill_check check (refill between 0 and 255);
