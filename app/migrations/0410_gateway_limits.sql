-- Buckets of rate limits that several workers share (GCRA). Not logged: after a crash they are full again.
create unlogged table gateway.rate_bucket (
  key         text primary key,
  arrival_us  bigint not null,
  asked_at_us bigint not null,
  interval_us bigint not null,
  burst       bigint not null,
  wanted      bigint not null,
  granted     bigint not null
) with (fillfactor = 50);
