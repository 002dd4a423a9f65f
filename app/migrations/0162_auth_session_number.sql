-- By which number a code opened a session: who gives one of their numbers up ends what that one opened, not the others.
alter table auth.session add column phone_index bytea;
comment on column auth.session.phone_index is 'of sessions that a code opened; null for all others, and for those of before';
