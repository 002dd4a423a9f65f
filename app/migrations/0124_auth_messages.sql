-- The message centre: what a person chose, what is on its way to them outside the app, who is told beside them.
alter table auth.message
  add column about_id uuid references auth.person;
comment on column auth.message.about_id is 'whose notice this is, in the copy for a trusted contact';
create index message_unread on auth.message (person_id) where read_at is null;

create table auth.message_preference (
  person_id    uuid primary key references auth.person,
  language     text not null check (language in ('zh', 'en')),
  urgent_by    text not null check (urgent_by in ('sms', 'voice')),
  important_by text not null check (important_by in ('sms', 'voice', 'app')),
  quiet_from   text,
  quiet_until  text,
  changed_at   timestamptz not null,
  check ((quiet_from is null) = (quiet_until is null))
);

-- What officials are told; read by each of them.
create table auth.alert (
  id              uuid primary key,
  kind            text not null,
  organization_id uuid references auth.organization,
  roles           text[] not null,
  city_roles      text[] not null,
  subject         text not null,
  raised_at       timestamptz not null
);
comment on column auth.alert.roles is 'who is told in the organization; city_roles are told wherever they work';
create index alert_organization on auth.alert (organization_id, id);

create table auth.alert_reading (
  alert_id    uuid not null references auth.alert on delete cascade,
  official_id uuid not null references auth.official,
  read_at     timestamptz not null,
  primary key (alert_id, official_id)
);

-- One row for each message or alert and each way it takes outside the app: the row is the receipt.
-- The phone is that of the moment of writing, so that who changes a number cannot catch the warning about it;
-- it is forgotten when nothing more will be sent.
create table auth.delivery (
  id           uuid primary key,
  message_id   uuid references auth.message on delete cascade,
  alert_id     uuid references auth.alert on delete cascade,
  channel      text not null check (channel in ('sms', 'voice', 'staff')),
  state        text not null check (state in ('waiting', 'sent', 'delivered', 'failed', 'expired', 'unneeded',
                                                  'withheld')),
  phone_sealed bytea,
  language     text not null check (language in ('zh', 'en')),
  attempts     integer not null default 0,
  tried        text[] not null default '{}',
  created_at   timestamptz not null,
  due_at       timestamptz not null,
  expires_at   timestamptz not null,
  sent_at      timestamptz,
  ended_at     timestamptz,
  check (num_nonnulls(message_id, alert_id) = 1),
  check ((channel = 'staff') = (alert_id is not null)),
  check ((state in ('waiting', 'sent')) = (ended_at is null)),
  check (phone_sealed is null or ended_at is null)
);
create index delivery_message on auth.delivery (message_id) where message_id is not null;
create index delivery_alert on auth.delivery (alert_id) where alert_id is not null;
create index delivery_waiting on auth.delivery (due_at) where state = 'waiting';
create index delivery_sent on auth.delivery (sent_at) where state = 'sent' and phone_sealed is not null;

-- What text messages cost the city, by its own day: in parts, as vendors bill them.
create table auth.sms_spending (
  day       date primary key,
  parts     bigint not null,
  warned_at timestamptz
);

create table auth.trusted_contact (
  id           uuid primary key,
  person_id    uuid not null references auth.person,
  phone_index  bytea not null,
  phone_sealed bytea,
  contact_id   uuid references auth.person,
  told_of      text not null check (told_of in ('urgent', 'important')),
  state        text not null check (state in ('invited', 'active', 'declined', 'ended')),
  invited_at   timestamptz not null,
  expires_at   timestamptz not null,
  answered_at  timestamptz,
  ended_at     timestamptz,
  check ((state = 'active') <= (contact_id is not null)),
  check (contact_id <> person_id)
);
create unique index trusted_contact_once on auth.trusted_contact (person_id, phone_index)
  where state in ('invited', 'active');
create index trusted_contact_of on auth.trusted_contact (contact_id) where state = 'active';
create index trusted_contact_phone on auth.trusted_contact (phone_index) where state = 'invited';

alter table auth.demo_inbox add column channel text not null default 'sms' check (channel in ('sms', 'voice'));
