-- What is personal of one human being opens only with their own key; without the key it is noise, wherever it was copied.
create table auth.subject_key (
  subject_id   uuid primary key,
  key_sealed   bytea,
  created_at   timestamptz not null,
  destroyed_at timestamptz,
  check ((key_sealed is null) = (destroyed_at is not null))
);
