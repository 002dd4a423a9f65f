-- How each release of a mini-app fares: counts of calls, in slots of ten seconds a worker, later of an hour and of a day.
-- A row of a single worker holds that worker's own totals, so that writing it twice counts nothing twice.
-- `worker` null: folded together, for the hour or the day that begins at `slot`.
create table gateway.release_health (
  release_id     uuid not null,
  slot           timestamptz not null,
  worker         uuid,
  span_seconds   integer not null check (span_seconds in (10, 3600, 86400)),
  calls          bigint not null,
  faults         bigint not null,
  timeouts       bigint not null,
  bad_signatures bigint not null,
  durations      bigint[] not null check (array_length(durations, 1) = 9),
  check ((worker is null) = (span_seconds > 10))
) with (fillfactor = 70);
create unique index release_health_slot on gateway.release_health (release_id, slot, span_seconds, worker)
  nulls not distinct;
create index release_health_age on gateway.release_health (span_seconds, slot);
