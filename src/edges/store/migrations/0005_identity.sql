-- Which database this is: the spool names the one it was last run with, so that a lost, exchanged or older one is noticed.
-- At most one row. Files and runs newer than `unknown_after` and not newer than `unknown_until` may stand in the spool
-- without being known here: a person accepted that.

CREATE TABLE identity (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  database_id TEXT NOT NULL,
  unknown_after TEXT NOT NULL DEFAULT '',
  unknown_until TEXT NOT NULL DEFAULT ''
) STRICT;
