-- Files out as changes: what a partner holds by each feed, what changed since, what is locked. See docs/model.md.

-- A feed as the ledger knows it: registered at start and reload, so that the way in sees who is concerned.
CREATE TABLE feed (
  feed_no INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  partner TEXT NOT NULL,
  kind TEXT NOT NULL,
  -- 0 not configured or nothing; the sum of 1 rings on change, 2 rings on registration, 4 keys, 8 open orders, 16 changes are
  -- counted from the last full file.
  wants INTEGER NOT NULL,
  -- The meaning of its rows: layout, kind, selection, published quantities, words, zone.
  fingerprint INTEGER NOT NULL,
  -- A full file was due while the feed was locked, or is owed since an older database was accepted.
  full_owed INTEGER NOT NULL DEFAULT 0,
  -- The last delivered run (since = last-delivered) or the last delivered full one (last-full).
  base_run INTEGER REFERENCES run (run_no),
  -- Rows of `delivered` with gone = 0: what the guard takes for 100 %.
  shown INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX feed_concerned ON feed (kind, feed_no, wants) WHERE wants <> 0;

-- Something changed rows of a kind, in the transaction that changed them. listed = 0: which ones is not known.
CREATE TABLE change (
  -- Never given twice: runs remember which changes they told, also of those that are done with.
  change_no INTEGER PRIMARY KEY AUTOINCREMENT,
  -- Nothing where no file brought it: a new configuration, a file taken after a newer one.
  file_no INTEGER REFERENCES file (file_no),
  kind TEXT NOT NULL,
  cause TEXT NOT NULL CHECK (cause = 'change' OR cause = 'registration'),
  rows INTEGER NOT NULL,
  listed INTEGER NOT NULL
) STRICT;

-- Packed keys, at most 64 KB a part, sorted in itself.
CREATE TABLE change_keys (
  change_no INTEGER NOT NULL REFERENCES change (change_no) ON DELETE CASCADE,
  part INTEGER NOT NULL,
  keys BLOB NOT NULL,
  PRIMARY KEY (change_no, part)
) STRICT;

-- This feed has still to take that change into account. rings = 1: no run tried since.
CREATE TABLE outbox (
  feed_no INTEGER NOT NULL REFERENCES feed (feed_no),
  change_no INTEGER NOT NULL REFERENCES change (change_no),
  rings INTEGER NOT NULL,
  PRIMARY KEY (feed_no, change_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_rings ON outbox (feed_no, change_no) WHERE rings = 1;
CREATE INDEX outbox_of_change ON outbox (change_no);

-- The changes a run takes into account: done with when it is delivered.
CREATE TABLE run_outbox (
  run_no INTEGER NOT NULL REFERENCES run (run_no),
  change_no INTEGER NOT NULL,
  PRIMARY KEY (run_no, change_no)
) STRICT, WITHOUT ROWID;

-- What delivering the run changes for the partner: operation, key, hash; packed, read from end to end.
CREATE TABLE run_change (
  run_no INTEGER NOT NULL REFERENCES run (run_no),
  part INTEGER NOT NULL,
  entries BLOB NOT NULL,
  PRIMARY KEY (run_no, part)
) STRICT;

-- What the partner holds by this feed. gone = 1: told as 0 (stock). hash = 0: not known what he holds.
CREATE TABLE delivered (
  feed_no INTEGER NOT NULL REFERENCES feed (feed_no),
  key BLOB NOT NULL,
  run_no INTEGER NOT NULL,
  hash INTEGER NOT NULL,
  gone INTEGER NOT NULL,
  PRIMARY KEY (feed_no, key)
) STRICT, WITHOUT ROWID;

-- One lock of a feed (out) or an intake (in), with what a person needs to decide.
CREATE TABLE guard_lock (
  lock_no INTEGER PRIMARY KEY,
  side TEXT NOT NULL CHECK (side = 'in' OR side = 'out'),
  partner TEXT NOT NULL,
  -- Of the feed or intake.
  name TEXT NOT NULL,
  run_no INTEGER REFERENCES run (run_no),
  file_no INTEGER REFERENCES file (file_no),
  locked_at TEXT NOT NULL,
  -- The limits that were exceeded, in words; empty when what is locked would pass now.
  exceeded TEXT NOT NULL,
  base INTEGER NOT NULL,
  creates INTEGER NOT NULL,
  changes INTEGER NOT NULL,
  deletes INTEGER NOT NULL,
  -- JSON: the first keys of each operation.
  samples TEXT NOT NULL,
  ended_at TEXT,
  -- released, discarded, replaced
  ended_by TEXT NOT NULL DEFAULT '',
  command_id TEXT
) STRICT;
CREATE UNIQUE INDEX guard_lock_open ON guard_lock (side, partner, name) WHERE ended_at IS NULL;
CREATE INDEX guard_lock_of_file ON guard_lock (file_no) WHERE file_no IS NOT NULL;
CREATE INDEX guard_lock_of_run ON guard_lock (run_no) WHERE run_no IS NOT NULL;

-- 'dealer', 'in:dealer/orders', 'out:dealer/stock'
CREATE TABLE pause (
  subject TEXT PRIMARY KEY,
  since TEXT NOT NULL,
  who TEXT NOT NULL,
  comment TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- full, delta, part (asked for by key), new (requests)
ALTER TABLE run ADD COLUMN scope TEXT NOT NULL DEFAULT 'full';
-- The run whose name and number it took over. Another content stood under its name before: taken before `doubt_until`, it
-- may be that one that its partner read.
ALTER TABLE run ADD COLUMN replaces INTEGER;
ALTER TABLE run ADD COLUMN doubt_until TEXT;
ALTER TABLE run ADD COLUMN done_name TEXT NOT NULL DEFAULT '';
-- Against `delivered`, as the guard counted.
ALTER TABLE run ADD COLUMN creates INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN deletes INTEGER NOT NULL DEFAULT 0;
-- From the question to the staged file.
ALTER TABLE run ADD COLUMN took_us INTEGER NOT NULL DEFAULT 0;

-- As in 0007: comparisons instead of lists, since receipts are written with small files.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(sql,
  'CHECK (state IN (''ready'', ''delivering'', ''renaming'', ''sent'', ''failed'', ''empty''))',
  'CHECK (state = ''ready'' OR state = ''delivering'' OR state = ''renaming'' OR state = ''sent'' OR state = ''failed''
    OR state = ''empty'' OR state = ''locked'' OR state = ''discarded'' OR state = ''superseded'')'),
  'CHECK (reason IN (''due'', ''request'', ''receipt''))',
  'CHECK (reason = ''due'' OR reason = ''change'' OR reason = ''registration'' OR reason = ''request'' OR reason = ''receipt'')')
  WHERE type = 'table' AND name = 'run';
PRAGMA writable_schema = RESET;
