-- Copies of a person's notices for their trusted contacts are found when the person ends.
create index message_about on auth.message (about_id) where about_id is not null;
