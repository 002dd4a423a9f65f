-- Calls to a release on trial are counted by voice: one of sixteen, which a sixteenth of the city shares, so that the
-- watch can leave out any one and no row tells of a person. 0: nobody's, and everything of what is not on trial.
alter table gateway.release_health add column voice smallint not null default 0 check (voice between 0 and 16);
drop index gateway.release_health_slot;
create unique index release_health_slot on gateway.release_health (release_id, slot, span_seconds, worker, voice)
  nulls not distinct;
