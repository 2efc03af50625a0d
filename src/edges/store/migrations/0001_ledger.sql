-- The ledger: every file, every exception among its messages, every run of a feed, every command. See docs/model.md.
-- Migrations are never edited; what changes comes as the next one.

CREATE TABLE file (
  file_no INTEGER PRIMARY KEY,
  file_id TEXT NOT NULL UNIQUE,
  partner TEXT NOT NULL,
  intake TEXT NOT NULL,
  raw_name BLOB NOT NULL,
  name TEXT NOT NULL,
  origin TEXT NOT NULL,
  first_seen TEXT NOT NULL,
  size INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  content_hash BLOB,
  state TEXT NOT NULL CHECK (state IN ('seen', 'claimed', 'judged', 'vanished')),
  attempts INTEGER NOT NULL DEFAULT 0,
  alone INTEGER NOT NULL DEFAULT 0,
  kind TEXT NOT NULL DEFAULT '',
  layout TEXT NOT NULL DEFAULT '',
  fingerprint INTEGER NOT NULL DEFAULT 0,
  as_of TEXT NOT NULL DEFAULT '',
  verdict TEXT NOT NULL DEFAULT '',
  messages INTEGER NOT NULL DEFAULT 0,
  accepted INTEGER NOT NULL DEFAULT 0,
  unchanged INTEGER NOT NULL DEFAULT 0,
  duplicate INTEGER NOT NULL DEFAULT 0,
  stale INTEGER NOT NULL DEFAULT 0,
  held INTEGER NOT NULL DEFAULT 0,
  refused INTEGER NOT NULL DEFAULT 0,
  code TEXT NOT NULL DEFAULT '',
  rows_written INTEGER NOT NULL DEFAULT 0,
  rows_taken INTEGER NOT NULL DEFAULT 0,
  decided_at TEXT,
  place TEXT NOT NULL DEFAULT '',
  day TEXT NOT NULL DEFAULT '',
  placed INTEGER NOT NULL DEFAULT 0,
  original_gone INTEGER NOT NULL DEFAULT 0,
  redacted INTEGER NOT NULL DEFAULT 0,
  reason_text TEXT,
  reject_plan BLOB,
  returns_of TEXT,
  comment TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX file_open ON file (file_no) WHERE state IN ('seen', 'claimed');
CREATE INDEX file_unplaced ON file (file_no) WHERE state = 'judged' AND placed = 0;
CREATE INDEX file_by_intake ON file (partner, intake, file_no);
CREATE INDEX file_by_content ON file (content_hash) WHERE content_hash IS NOT NULL;
CREATE INDEX file_by_name ON file (name);
CREATE INDEX file_kept ON file (partner, intake, day) WHERE placed = 1 AND original_gone = 0;

CREATE TABLE message (
  message_no INTEGER PRIMARY KEY,
  file_no INTEGER NOT NULL REFERENCES file (file_no),
  number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'unchanged', 'duplicate', 'stale', 'held', 'refused')),
  code TEXT NOT NULL,
  line INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  problems TEXT NOT NULL,
  payload TEXT,
  row_id INTEGER,
  waits_kind TEXT,
  waits_key TEXT,
  wait_until TEXT,
  decided_at TEXT NOT NULL,
  comment TEXT NOT NULL DEFAULT '',
  UNIQUE (file_no, number)
) STRICT;

CREATE INDEX message_waits ON message (waits_kind, waits_key) WHERE verdict = 'held';
CREATE INDEX message_due ON message (wait_until) WHERE verdict = 'held' AND wait_until IS NOT NULL;
CREATE INDEX message_by_key ON message (key, kind);
CREATE INDEX message_by_code ON message (code, file_no);

CREATE TABLE problem_count (
  file_no INTEGER NOT NULL REFERENCES file (file_no),
  code TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (file_no, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE command (
  command_no INTEGER PRIMARY KEY,
  command_id TEXT NOT NULL UNIQUE,
  verb TEXT NOT NULL,
  arguments TEXT NOT NULL,
  who TEXT NOT NULL,
  at TEXT NOT NULL,
  comment TEXT NOT NULL,
  outcome TEXT NOT NULL DEFAULT '',
  done_at TEXT
) STRICT;

CREATE TABLE run (
  run_no INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL UNIQUE,
  number INTEGER NOT NULL,
  partner TEXT NOT NULL,
  feed TEXT NOT NULL,
  kind TEXT NOT NULL,
  layout TEXT NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('due', 'request', 'receipt')),
  due_at TEXT,
  state TEXT NOT NULL CHECK (state IN ('ready', 'delivering', 'renaming', 'sent', 'failed', 'empty')),
  folder TEXT NOT NULL,
  name TEXT NOT NULL,
  hash BLOB NOT NULL,
  size INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  file_no INTEGER REFERENCES file (file_no),
  ready_at TEXT NOT NULL,
  sent_at TEXT,
  day TEXT NOT NULL,
  placed INTEGER NOT NULL DEFAULT 0,
  comment TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX run_by_feed ON run (partner, feed, run_no);
CREATE INDEX run_open ON run (run_no) WHERE placed = 0 OR state IN ('ready', 'delivering', 'renaming');
CREATE INDEX run_of_file ON run (file_no) WHERE file_no IS NOT NULL;
CREATE INDEX run_by_name ON run (name);

CREATE TABLE run_request (
  feed TEXT NOT NULL,
  row_id INTEGER NOT NULL,
  run_no INTEGER NOT NULL REFERENCES run (run_no),
  PRIMARY KEY (feed, row_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_request_of_row ON run_request (row_id);

CREATE TABLE export_floor (
  feed TEXT PRIMARY KEY,
  row_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE due (
  feed TEXT PRIMARY KEY,
  handled TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE high_water (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
