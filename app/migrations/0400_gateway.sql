-- The gateway: which services a citizen keeps at hand, and which department was told what.
create schema gateway;

-- `subject_id` is a person's or an organization's id.
create table gateway.pin (
  subject_id uuid not null,
  app_id     text not null check (length(app_id) <= 128),
  pinned_at  timestamptz not null,
  primary key (subject_id, app_id)
);

-- When a subject last used a service: says which departments the home page may ask for cards. Forgotten after 90 days.
create table gateway.usage (
  subject_id   uuid not null,
  app_id       text not null check (length(app_id) <= 128),
  last_used_at timestamptz not null,
  primary key (subject_id, app_id)
);
create index usage_recent on gateway.usage (subject_id, last_used_at desc);
create index usage_old on gateway.usage (last_used_at);

-- 数据调用记录: one row each time fields of a subject were given to a department. Names of fields, never their values.
create table gateway.disclosure (
  id              uuid primary key,
  subject_id      uuid not null,
  agent_id        uuid,
  app_id          text not null,
  organization_id uuid not null,
  scopes          text[] not null,
  fields          text[] not null,
  bases           text[] not null,
  disclosed_at    timestamptz not null
);
create index disclosure_of_subject on gateway.disclosure (subject_id, id desc);
