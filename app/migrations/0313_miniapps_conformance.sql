-- What the conformance kit said of a version: by the department itself, in the sandbox, and every night where it is live.
create table miniapps.conformance_report (
  id           uuid primary key,
  version_id   uuid not null references miniapps.version,
  app_id       text not null,
  version_code integer not null,
  made_by      text not null check (made_by in ('department', 'city')),
  environment  text not null check (environment in ('local', 'sandbox', 'live')),
  outcome      text not null check (outcome in ('passed', 'failed')),
  report       jsonb not null,
  report_hash  bytea not null check (length(report_hash) = 32),
  made_at      timestamptz not null,
  recorded_at  timestamptz not null,
  recorded_by  uuid,
  unique (version_id, report_hash),
  check ((made_by = 'department') = (environment = 'local')),
  check (made_by = 'city' or recorded_by is not null)
);
create index conformance_report_version on miniapps.conformance_report (version_id, id desc);
create index conformance_report_live on miniapps.conformance_report (app_id, id desc) where environment = 'live';
create index conformance_report_old on miniapps.conformance_report (recorded_at) where environment = 'live';

create function miniapps.refuse_report_change() returns trigger language plpgsql as $$
begin
  raise exception 'a conformance report is immutable' using errcode = 'integrity_constraint_violation';
end $$;

create trigger conformance_report_is_immutable before update on miniapps.conformance_report for each row
  execute function miniapps.refuse_report_change();

-- A run that the city owes: asked for by a developer, or the one of a night. Whoever claims it runs it, with no
-- transaction open meanwhile; a claim that came to nothing is claimed again.
create table miniapps.conformance_run (
  id           uuid primary key,
  version_id   uuid not null references miniapps.version,
  app_id       text not null,
  version_code integer not null,
  environment  text not null check (environment in ('sandbox', 'live')),
  night        date,
  asked_at     timestamptz not null,
  asked_by     uuid,
  claimed_at   timestamptz,
  ended_at     timestamptz,
  trouble      text,
  report_id    uuid references miniapps.conformance_report,
  check ((environment = 'live') = (night is not null)),
  check (report_id is null or ended_at is not null)
);
create unique index conformance_run_a_night on miniapps.conformance_run (app_id, night) where night is not null;
create unique index conformance_run_one_waits on miniapps.conformance_run (version_id, environment)
  where ended_at is null;
create index conformance_run_due on miniapps.conformance_run (asked_at) where ended_at is null;
create index conformance_run_report on miniapps.conformance_run (report_id) where report_id is not null;
