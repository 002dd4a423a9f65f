-- Mini-apps: who offers them, what exactly was declared, who judged it, and what citizens see.
create schema miniapps;

create table miniapps.app (
  app_id                   text primary key check (length(app_id) <= 128),
  organization_id          uuid not null,
  organization_name        text not null,
  organization_credit_code text not null,
  state                    text not null check (state in ('registered', 'active', 'suspended', 'retiring', 'retired')),
  registered_by            uuid not null,
  registered_at            timestamptz not null,
  suspension               jsonb,
  check ((state = 'suspended') = (suspension is not null))
);
create index app_organization on miniapps.app (organization_id, app_id);

-- `manifest` is the canonical form (RFC 8785); `manifest_hash` is its SHA-256, which reviewers sign.
create table miniapps.version (
  id            uuid primary key,
  app_id        text not null references miniapps.app,
  code          integer not null check (code >= 1),
  name          text not null,
  state         text not null check (state in ('draft', 'submitted', 'checking', 'reviewing', 'approved',
                                               'changes_requested', 'rejected')),
  manifest      bytea not null,
  manifest_hash bytea not null check (length(manifest_hash) = 32),
  findings      jsonb not null,
  author_id     uuid not null,
  created_at    timestamptz not null,
  submitted_by  uuid,
  submitted_at  timestamptz,
  review_due_at timestamptz,
  unique (app_id, code)
);
create index version_waiting on miniapps.version (review_due_at) where state = 'reviewing';

create function miniapps.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'a version is immutable' using errcode = 'integrity_constraint_violation';
end $$;

create trigger version_is_immutable before update on miniapps.version for each row
  when ((old.id, old.app_id, old.code, old.name, old.manifest, old.manifest_hash, old.author_id, old.created_at)
        is distinct from
        (new.id, new.app_id, new.code, new.name, new.manifest, new.manifest_hash, new.author_id, new.created_at))
  execute function miniapps.refuse_change();

create table miniapps.review (
  id            uuid primary key,
  version_id    uuid not null references miniapps.version,
  verdict       text not null check (verdict in ('approved', 'changes_requested', 'rejected')),
  reason        text not null,
  manifest_hash bytea not null,
  author_id     uuid not null,
  reviewer_id   uuid not null check (reviewer_id <> author_id),
  reviewed_at   timestamptz not null
);
create index review_version on miniapps.review (version_id, reviewed_at);

create table miniapps.release (
  id           uuid primary key,
  app_id       text not null references miniapps.app,
  version_id   uuid not null references miniapps.version,
  version_code integer not null,
  state        text not null check (state in ('internal', 'gray', 'published', 'superseded', 'rolled_back', 'halted')),
  percent      smallint not null check (percent between 0 and 100),
  created_by   uuid not null,
  created_at   timestamptz not null,
  ended_at     timestamptz,
  check ((state in ('superseded', 'rolled_back', 'halted')) = (ended_at is not null))
);
create unique index release_one_published on miniapps.release (app_id) where state = 'published';
create index release_app on miniapps.release (app_id, created_at);
