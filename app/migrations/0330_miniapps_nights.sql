-- What the last night said is read of the run, which knows also of nights in which nobody answered.
drop index miniapps.conformance_report_live;
