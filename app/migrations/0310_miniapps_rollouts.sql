-- Releases reach citizens step by step: testers who accepted, then a growing share, of some zones or of the whole city.
alter table miniapps.release
  add column zones    text[] not null default '{}',
  add column stage_at timestamptz,
  add column reason   jsonb,
  add column restores uuid references miniapps.release;
update miniapps.release set stage_at = created_at;
alter table miniapps.release
  alter column stage_at set not null,
  add constraint release_share check (
    case state when 'internal' then percent = 0
               when 'gray' then percent in (1, 5, 20, 50, 100)
               when 'published' then percent = 100
               else true end);
create unique index release_one_on_trial on miniapps.release (app_id) where state in ('internal', 'gray');

-- The course of a release: who let it go how far, and who or what ended it. Only grows.
create table miniapps.release_step (
  id         uuid primary key,
  release_id uuid not null references miniapps.release,
  state      text not null,
  percent    smallint not null,
  zones      text[] not null,
  actor      text not null,
  reason     jsonb,
  taken_at   timestamptz not null
);
create index release_step_course on miniapps.release_step (release_id, id);

-- How often in a row the watch found a release worse than it may be.
create table miniapps.release_watch (
  release_id uuid primary key references miniapps.release,
  strikes    smallint not null,
  looked_at  timestamptz not null
);

-- Testers. A department names an invitation and never learns who accepted it; `code_hash` is SHA-256.
create table miniapps.tester (
  id          uuid primary key,
  app_id      text not null references miniapps.app,
  label       text not null check (length(label) between 1 and 64),
  code_hash   bytea not null unique check (length(code_hash) = 32),
  invited_by  uuid not null,
  invited_at  timestamptz not null,
  expires_at  timestamptz not null,
  subject_id  uuid,
  accepted_at timestamptz,
  ended_at    timestamptz,
  check ((subject_id is null) = (accepted_at is null) or ended_at is not null)
);
create index tester_app on miniapps.tester (app_id, id desc);
create unique index tester_once on miniapps.tester (app_id, subject_id) where ended_at is null;
create index tester_subject on miniapps.tester (subject_id, id desc) where subject_id is not null;

-- A number that grows with everything that citizens could see: whoever looks every second reads this row alone.
create table miniapps.edition (
  one    boolean primary key default true check (one),
  number bigint not null
);
insert into miniapps.edition (number) values (1);

create function miniapps.next_edition() returns trigger language plpgsql as $$
begin
  update miniapps.edition set number = number + 1;
  return null;
end $$;

create trigger app_is_seen after update on miniapps.app
  for each statement execute function miniapps.next_edition();
create trigger release_is_seen after insert or update or delete on miniapps.release
  for each statement execute function miniapps.next_edition();
create trigger tester_is_seen after insert or update or delete on miniapps.tester
  for each statement execute function miniapps.next_edition();
