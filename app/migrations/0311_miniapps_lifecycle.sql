-- How judging is kept on time, and how a mini-app ends: announced, with a successor; or by its date, in an emergency.
alter table miniapps.version add column overdue_told_at timestamptz;
create index version_overdue on miniapps.version (review_due_at) where state = 'reviewing' and overdue_told_at is null;

-- A mini-app that is ending can be suspended too, and a suspended one that ends stays away until then.
alter table miniapps.app drop constraint app_check;
alter table miniapps.app add constraint app_suspension check (
  case state when 'suspended' then suspension is not null when 'retiring' then true else suspension is null end
);

-- `announced_by` is null where the manifest, or the end of an emergency, said it.
create table miniapps.retirement (
  app_id            text primary key references miniapps.app,
  ends_at           timestamptz not null,
  successor         text check (successor <> app_id),
  reason            jsonb not null,
  announced_by      uuid,
  announced_at      timestamptz not null,
  retired_at        timestamptz,
  consents_ended_at timestamptz
);
create index retirement_due on miniapps.retirement (ends_at) where retired_at is null;
create index retirement_consents on miniapps.retirement (app_id)
 where retired_at is not null and consents_ended_at is null;

-- A registration in an emergency: by law, for a time, and deleted afterwards. `proof` is what the department signed.
create table miniapps.emergency (
  app_id        text primary key references miniapps.app,
  legal_basis   text not null,
  approved_at   timestamptz not null,
  expires_at    timestamptz not null,
  ended_at      timestamptz,
  proof_due_at  timestamptz,
  proven_at     timestamptz,
  proof         text,
  overdue_told_at timestamptz,
  check (expires_at > approved_at),
  check ((ended_at is null) = (proof_due_at is null)),
  check ((proven_at is null) = (proof is null))
);
create index emergency_running on miniapps.emergency (expires_at) where ended_at is null;
create index emergency_unproven on miniapps.emergency (proof_due_at) where ended_at is not null and proven_at is null;

create table miniapps.emergency_extension (
  id          uuid primary key,
  app_id      text not null references miniapps.emergency,
  until       timestamptz not null,
  reason      text not null,
  proposed_by uuid not null,
  proposed_at timestamptz not null,
  decided_by  uuid check (decided_by <> proposed_by),
  decided_at  timestamptz,
  agreed      boolean,
  check (num_nulls(decided_by, decided_at, agreed) in (0, 3))
);
create unique index emergency_extension_one_open on miniapps.emergency_extension (app_id) where decided_at is null;
