-- Identity: people, ways in, sessions, devices, organizations, mandates, officials, consents.
-- What is personal stands only in *_sealed columns (AES-GCM) and is found by *_index columns (HMAC).
create schema auth;

create table auth.person (
  id              uuid primary key,
  identity_level  smallint not null check (identity_level between 1 and 3),
  status          text not null check (status in ('active', 'closed')),
  identity_sealed bytea,
  document_index  bytea unique,
  verified_at     timestamptz,
  created_at      timestamptz not null,
  check ((identity_level = 1) = (document_index is null)),
  check ((identity_sealed is null) = (document_index is null))
);

create table auth.phone (
  phone_index  bytea primary key,
  person_id    uuid not null references auth.person,
  phone_sealed bytea not null,
  attached_at  timestamptz not null
);
create index phone_person on auth.phone (person_id);

-- Counts of tries by what they try to guess or to exhaust; one place for every way in.
create table auth.attempt (
  kind     text not null,
  key      bytea not null,
  attempts integer not null,
  ends_at  timestamptz not null,
  primary key (kind, key)
);
create index attempt_end on auth.attempt (ends_at);

create table auth.otp_challenge (
  id           uuid primary key,
  phone_index  bytea not null,
  phone_sealed bytea not null,
  code_mac     bytea not null,
  tries        smallint not null default 0,
  created_at   timestamptz not null,
  expires_at   timestamptz not null,
  redeemed_at  timestamptz
);
create index otp_challenge_expiry on auth.otp_challenge (expires_at);

create table auth.demo_inbox (
  id           uuid primary key,
  phone_index  bytea not null,
  phone_sealed bytea not null,
  text_sealed  bytea not null,
  sent_at      timestamptz not null
);
create index demo_inbox_latest on auth.demo_inbox (sent_at desc);
create index demo_inbox_phone on auth.demo_inbox (phone_index, sent_at desc);

create table auth.session (
  id               uuid primary key,
  parent_id        uuid references auth.session on delete cascade,
  subject_type     text not null check (subject_type in ('person', 'organization', 'official')),
  subject_id       uuid not null,
  agent_id         uuid,
  holder_id        uuid not null,
  organization_id  uuid,
  mandate_id       uuid,
  device_id        uuid,
  client_id        text not null,
  scopes           text[] not null,
  roles            text[] not null,
  ial              smallint not null check (ial between 1 and 3),
  aal              smallint not null check (aal between 1 and 3),
  method           text not null check (method in ('otp', 'password', 'switch')),
  jkt              text,
  generation       integer not null,
  refresh_hash     bytea not null,
  rotated_at       timestamptz not null,
  authenticated_at timestamptz not null,
  created_at       timestamptz not null,
  idle_seconds     integer not null,
  idle_expires_at  timestamptz not null,
  expires_at       timestamptz not null,
  revoked_at       timestamptz,
  revoked_reason   text,
  check ((subject_type = 'organization') = (agent_id is not null)),
  check ((revoked_at is null) = (revoked_reason is null))
);
create index session_holder on auth.session (holder_id) where revoked_at is null;
create index session_parent on auth.session (parent_id) where parent_id is not null;
create index session_mandate on auth.session (mandate_id) where mandate_id is not null and revoked_at is null;
create index session_revoked on auth.session (revoked_at) where revoked_at is not null;
create index session_expiry on auth.session (expires_at);

create table auth.device_challenge (
  nonce_hash bytea primary key,
  session_id uuid not null,
  expires_at timestamptz not null
);
create index device_challenge_expiry on auth.device_challenge (expires_at);

create table auth.device (
  id             uuid primary key,
  person_id      uuid not null references auth.person,
  name_sealed    bytea not null,
  public_key     bytea not null check (length(public_key) = 65),
  thumbprint     text not null unique,
  enrolled_at    timestamptz not null,
  active_from    timestamptz not null,
  revoked_at     timestamptz,
  revoked_reason text,
  check ((revoked_at is null) = (revoked_reason is null))
);
create index device_person on auth.device (person_id);

create table auth.message (
  id         uuid primary key,
  person_id  uuid not null references auth.person,
  kind       text not null,
  created_at timestamptz not null,
  read_at    timestamptz
);
create index message_person on auth.message (person_id, id);

create table auth.organization (
  id           uuid primary key,
  kind         text not null check (kind in ('enterprise', 'department')),
  name         text not null,
  credit_code  text not null unique,
  parent_id    uuid references auth.organization,
  status       text not null check (status in ('active', 'suspended', 'closed')),
  created_at   timestamptz not null,
  confirmed_at timestamptz
);
create index organization_parent on auth.organization (parent_id) where parent_id is not null;

create table auth.mandate (
  id             uuid primary key,
  principal_id   uuid not null references auth.organization,
  agent_id       uuid not null references auth.person,
  kind           text not null check (kind in ('responsible_person')),
  role           text not null,
  proof          text not null,
  starts_at      timestamptz not null,
  ends_at        timestamptz,
  revoked_at     timestamptz,
  revoked_reason text,
  check ((revoked_at is null) = (revoked_reason is null))
);
create unique index mandate_one_responsible on auth.mandate (principal_id)
  where kind = 'responsible_person' and revoked_at is null;
create index mandate_agent on auth.mandate (agent_id) where revoked_at is null;

create table auth.official (
  id              uuid primary key,
  username        text not null unique,
  name_sealed     bytea not null,
  password_hash   text not null,
  totp_sealed     bytea not null,
  totp_last_step  bigint not null default 0,
  organization_id uuid not null references auth.organization,
  status          text not null check (status in ('active', 'disabled')),
  created_at      timestamptz not null
);
create index official_organization on auth.official (organization_id);

create table auth.official_role (
  official_id uuid not null references auth.official,
  role        text not null,
  primary key (official_id, role)
);
-- The three operators' roles exclude each other, whatever a program says.
create unique index official_role_one_operator on auth.official_role (official_id)
  where role in ('system_admin', 'security_admin', 'audit_admin');

create table auth.consent (
  id            uuid primary key,
  person_id     uuid not null references auth.person,
  department_id uuid not null,
  purpose       text not null,
  fields        text[] not null,
  text_version  text not null,
  granted_at    timestamptz not null,
  expires_at    timestamptz,
  withdrawn_at  timestamptz
);
create unique index consent_one_active on auth.consent (person_id, department_id, purpose) where withdrawn_at is null;
