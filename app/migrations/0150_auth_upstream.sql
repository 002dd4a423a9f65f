-- Ways in that others vouch for: the national identity by OpenID Connect, and the network identity (网号, 网证).
-- What they call a person is never kept, only a keyed index of it.
alter table auth.session drop constraint session_method_check;
alter table auth.session add constraint session_method_check check (method in (
  'otp', 'password', 'passkey', 'step_up', 'upstream', 'network', 'switch', 'code', 'scan', 'launch'));

-- An account at another house that opens an account of the city. One that its holder ended is remembered, so that it
-- does not open the same account again by itself.
create table auth.identity_link (
  id            uuid primary key,
  person_id     uuid not null references auth.person,
  source        text not null check (source in ('national', 'network')),
  subject_index bytea not null check (octet_length(subject_index) = 32),
  linked_at     timestamptz not null,
  last_used_at  timestamptz not null,
  ended_at      timestamptz,
  ended_reason  text,
  check ((ended_at is null) = (ended_reason is null))
);
create unique index identity_link_subject on auth.identity_link (subject_index) where ended_at is null;
create unique index identity_link_source on auth.identity_link (person_id, source) where ended_at is null;
create index identity_link_ended on auth.identity_link (subject_index) where ended_at is not null;
create index identity_link_person on auth.identity_link (person_id, id);

-- One way to another house and back: bound to the browser or program that began it, once, for minutes.
create table auth.upstream_attempt (
  id          uuid primary key,
  source      text not null check (source in ('national', 'network')),
  key_hash    bytea not null,
  state_hash  bytea unique,
  request_id  uuid,
  session_id  uuid,
  jkt         text,
  tries       smallint not null default 0,
  expires_at  timestamptz not null,
  used_at     timestamptz,
  check ((source = 'national') = (state_hash is not null)),
  check (request_id is null or session_id is null)
);
create index upstream_attempt_expiry on auth.upstream_attempt (expires_at);

-- The picture of a network identity that a browser shows on the way to a client.
alter table auth.authorization_request add column network_attempt_id uuid;
