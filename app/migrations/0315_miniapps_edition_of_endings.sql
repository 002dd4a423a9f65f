-- When a service ends is seen too: a later day, or another successor, is another edition.
create trigger retirement_is_seen after insert or update or delete on miniapps.retirement
  for each statement execute function miniapps.next_edition();
