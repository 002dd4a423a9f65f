-- 好差评: what citizens say of one act, and what the department did about it. `act` is a digest, never a case number.
-- Words are sealed. When a person's account ends, the level stays and everything that leads to the person goes.
create table miniapps.rating (
  id              uuid primary key,
  app_id          text not null references miniapps.app,
  organization_id uuid not null,
  release_id      uuid not null,
  subject_type    text not null check (subject_type in ('person', 'organization')),
  subject_id      uuid,
  rater_id        uuid,
  act_kind        text not null check (act_kind in ('receipt', 'visit')),
  act             bytea not null check (length(act) = 32),
  item_code       text,
  level           smallint not null check (level between 1 and 5),
  tags            text[] not null,
  words_sealed    bytea,
  year            smallint not null,
  rated_at        timestamptz not null,
  reply_due_at    timestamptz,
  replied_at      timestamptz,
  reply_sealed    bytea,
  overdue_told_at timestamptz,
  call_back       text not null check (call_back in ('none', 'open', 'called_back', 'closed')),
  called_back_at  timestamptz,
  closed_at       timestamptz,
  resolved        boolean,
  unique (app_id, act),
  check ((replied_at is null) or (reply_due_at is not null)),
  check ((call_back in ('called_back', 'closed')) = (called_back_at is not null)),
  check ((call_back = 'closed') = (closed_at is not null))
);
create index rating_of_app on miniapps.rating (app_id, year, id);
create index rating_of_subject on miniapps.rating (subject_id, id desc);
create index rating_of_rater on miniapps.rating (rater_id);
create index rating_of_release on miniapps.rating (release_id, rated_at);
create index rating_unanswered on miniapps.rating (reply_due_at)
 where reply_due_at is not null and replied_at is null;
create index rating_called_back on miniapps.rating (called_back_at) where call_back = 'called_back';
