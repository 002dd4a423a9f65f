-- Consents know the words that were read, who gave them for a child, and that sensitive fields were asked for apart.
alter table auth.consent
  add column guardian_id uuid references auth.person,
  add column separate boolean not null default false,
  add constraint consent_not_by_oneself check (guardian_id <> person_id);
alter table auth.consent alter column separate drop default;
-- All that a person ever allowed, newest first.
create index consent_person on auth.consent (person_id, id desc);
create index consent_guardian on auth.consent (guardian_id) where guardian_id is not null and withdrawn_at is null;

-- The words themselves, kept as long as anybody's consent names them.
create table auth.consent_text (
  department_id  uuid not null,
  purpose        text not null,
  version        text not null,
  text           jsonb not null,
  first_shown_at timestamptz not null,
  primary key (department_id, purpose, version)
);

-- What a child under fourteen would like to use; a guardian decides.
create table auth.consent_request (
  id            uuid primary key,
  child_id      uuid not null references auth.person,
  department_id uuid not null,
  purpose       text not null,
  fields        text[] not null,
  sensitive     boolean not null,
  text_version  text not null,
  asked_at      timestamptz not null,
  expires_at    timestamptz not null,
  ended_at      timestamptz
);
create unique index consent_request_one_open on auth.consent_request (child_id, department_id, purpose)
  where ended_at is null;
create index consent_request_expiry on auth.consent_request (expires_at);

-- On the way through several pages: what was answered so far, and to which version of the words.
create table auth.consent_answer (
  request_id   uuid primary key references auth.authorization_request on delete cascade,
  text_version text not null,
  answered     text[] not null,
  agreed       text[] not null
);
