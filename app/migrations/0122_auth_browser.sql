-- Browsers: signing in on a computer by scanning with a phone; what a citizen recognises a session by.
alter table auth.session drop constraint session_method_check;
alter table auth.session add constraint session_method_check
  check (method in ('otp', 'password', 'passkey', 'step_up', 'upstream', 'switch', 'code', 'scan', 'launch'));

-- The program and system that a session speaks through, from fixed lists; and what its holder calls it.
create table auth.session_context (
  session_id  uuid primary key references auth.session on delete cascade,
  agent       text not null default '' check (length(agent) <= 64),
  name_sealed bytea
);

-- One attempt to sign a browser in by a phone: two secrets, one in the picture and one in a cookie. Each step once.
create table auth.scan_login (
  id            uuid primary key,
  secret_hash   bytea not null unique,
  cookie_hash   bytea not null,
  place         jsonb not null,
  agent         text not null check (length(agent) <= 64),
  address_index bytea not null,
  created_at    timestamptz not null,
  expires_at    timestamptz not null,
  person_id     uuid references auth.person,
  session_id    uuid,
  number_mac    bytea,
  tries         smallint not null default 0 check (tries between 0 and 3),
  redeemed_at   timestamptz,
  denied_at     timestamptz,
  check ((person_id is null) = (session_id is null)),
  check (number_mac is null or person_id is not null),
  check (redeemed_at is null or (number_mac is not null and denied_at is null))
);
create index scan_login_expiry on auth.scan_login (expires_at);

alter table auth.authorization_request add column scan_login_id uuid;
