-- Remotes: what we still owe them, what stands there, what is on its way there, and how they answered.

-- A file of a remote from its first sight until nothing is owed for it any more. What happens after it was taken is fixed here:
-- a new configuration does not change it half way.
CREATE TABLE collect (
  file_no INTEGER PRIMARY KEY REFERENCES file (file_no),
  remote TEXT NOT NULL,
  folder BLOB NOT NULL,
  name BLOB NOT NULL,
  -- NULL: it is fetched under its own name.
  claim BLOB,
  done_name BLOB,
  done_claim BLOB,
  size INTEGER,
  stamp TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state = 'claiming' OR state = 'taken'),
  then_do TEXT NOT NULL CHECK (then_do = 'delete' OR then_do = 'move' OR then_do = 'rename' OR then_do = 'keep'),
  target BLOB
) STRICT;
CREATE INDEX collect_by_name ON collect (remote, folder, name);

-- Files that stay there and were taken.
CREATE TABLE seen_there (
  remote TEXT NOT NULL,
  folder BLOB NOT NULL,
  name BLOB NOT NULL,
  size INTEGER,
  stamp TEXT NOT NULL,
  content BLOB,
  file_no INTEGER NOT NULL,
  -- Since when whole listings lack it: an empty listing of a mount that failed must not make everything new again.
  gone_since TEXT,
  PRIMARY KEY (remote, folder, name)
) STRICT, WITHOUT ROWID;

-- A run that goes to a remote; how far it came stands in run.state alone.
CREATE TABLE delivery (
  run_no INTEGER PRIMARY KEY REFERENCES run (run_no),
  remote TEXT NOT NULL,
  folder BLOB NOT NULL,
  name BLOB NOT NULL,
  temp BLOB NOT NULL,
  done_name BLOB,
  stood TEXT NOT NULL DEFAULT 'unasked' CHECK (stood = 'unasked' OR stood = 'nothing' OR stood = 'something'),
  stood_size INTEGER,
  stood_stamp TEXT NOT NULL DEFAULT '-',
  tries INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  next_try TEXT,
  words TEXT NOT NULL DEFAULT '',
  unknown_since TEXT,
  settled INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX delivery_open ON delivery (remote, run_no) WHERE settled = 0;

CREATE TABLE delivery_try (
  run_no INTEGER NOT NULL REFERENCES run (run_no),
  number INTEGER NOT NULL,
  began TEXT NOT NULL,
  ended TEXT,
  reached TEXT NOT NULL CHECK (reached = 'asked' OR reached = 'uploaded' OR reached = 'renamed' OR reached = 'sent'),
  words TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (run_no, number)
) STRICT, WITHOUT ROWID;

-- Back-off and lock-out survive a restart: a loop of crashes must not lock an account.
CREATE TABLE remote_state (
  remote TEXT PRIMARY KEY,
  last_ok TEXT,
  last_try TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  trouble TEXT NOT NULL DEFAULT '',
  next_try TEXT,
  since TEXT,
  words TEXT NOT NULL DEFAULT '',
  rule INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- How the last look at an intake's folder there went, for people.
CREATE TABLE remote_look (
  partner TEXT NOT NULL,
  intake TEXT NOT NULL,
  looked_at TEXT NOT NULL,
  listed INTEGER NOT NULL,
  waiting INTEGER NOT NULL,
  odd INTEGER NOT NULL,
  sample TEXT NOT NULL,
  PRIMARY KEY (partner, intake)
) STRICT, WITHOUT ROWID;
