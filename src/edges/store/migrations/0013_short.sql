-- A file of a remote whose end is missing: since when it has been as large as it is. In memory it would begin anew with each run.
ALTER TABLE collect ADD COLUMN short_since TEXT;
