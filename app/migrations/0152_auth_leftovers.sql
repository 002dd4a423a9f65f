-- By which rows of a person, or old ones, are found; and a day's money counted in several rows, so that a city's text
-- messages do not queue for one.
create index session_of_holder on auth.session (holder_id, id);
create index trusted_contact_contact on auth.trusted_contact (contact_id) where contact_id is not null;
create index trusted_contact_answered on auth.trusted_contact (phone_index) where state in ('declined', 'ended');
create index consent_request_child on auth.consent_request (child_id);
create index message_age on auth.message (created_at);
create index alert_age on auth.alert (raised_at);

alter table auth.sms_spending add column part smallint not null default 0;
alter table auth.sms_spending drop constraint sms_spending_pkey;
alter table auth.sms_spending add primary key (day, part);
