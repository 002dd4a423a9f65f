-- In a browser on the way to a client: whoever holds a number says that the account it opens is not theirs.
alter table auth.authorization_request add column disowning boolean not null default false;
