-- The OpenID provider: what clients asked for, from the pushed request to the redeemed code, and what they proved.
-- No token and no code stands here, only hashes.
alter table auth.session drop constraint session_method_check;
alter table auth.session add constraint session_method_check check (method in ('otp', 'password', 'switch', 'code'));
create index session_client on auth.session (client_id) where method = 'code' and revoked_at is null;

-- One request of one client: pushed, opened in one browser, decided there, its code redeemed. Each step once.
create table auth.authorization_request (
  id                 uuid primary key,
  client_id          text not null,
  parameters         jsonb not null,
  uri_hash           bytea not null unique,
  created_at         timestamptz not null,
  expires_at         timestamptz not null,
  browser_hash       bytea,
  otp_challenge_id   uuid,
  browser_session_id uuid,
  consented          boolean not null default false,
  ended_at           timestamptz,
  code_hash          bytea unique,
  redeemed_at        timestamptz,
  issued_session_id  uuid,
  check (code_hash is null or (browser_session_id is not null and ended_at is not null)),
  check (redeemed_at is null or code_hash is not null)
);
create index authorization_request_age on auth.authorization_request (created_at);

-- Client assertions that were accepted; each once, over all workers.
create table auth.client_assertion (
  assertion_hash bytea primary key,
  expires_at     timestamptz not null
);
create index client_assertion_expiry on auth.client_assertion (expires_at);
