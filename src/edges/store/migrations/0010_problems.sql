-- What is the matter, from begin to over, and who is told of it. See docs/problems.md.

CREATE TABLE problem (
  problem_no INTEGER PRIMARY KEY,
  problem_id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  about TEXT NOT NULL,
  part TEXT NOT NULL DEFAULT '',
  level TEXT NOT NULL CHECK (level = 'warning' OR level = 'error'),
  began_at TEXT NOT NULL,
  last_at TEXT NOT NULL,
  told_at TEXT,
  calm_since TEXT,
  over_at TEXT,
  count INTEGER NOT NULL DEFAULT 1,
  times INTEGER NOT NULL DEFAULT 1,
  words TEXT NOT NULL,
  advice TEXT NOT NULL,
  over_words TEXT NOT NULL DEFAULT ''
) STRICT;

-- One problem a condition: the promise itself.
CREATE UNIQUE INDEX problem_open ON problem (kind, about, part) WHERE over_at IS NULL;
CREATE INDEX problem_over ON problem (over_at) WHERE over_at IS NOT NULL;

CREATE TABLE notice (
  notice_no INTEGER PRIMARY KEY,
  problem_no INTEGER NOT NULL REFERENCES problem (problem_no),
  phase TEXT NOT NULL CHECK (phase = 'begun' OR phase = 'over'),
  channel TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state = 'waiting' OR state = 'sent' OR state = 'dropped'),
  next_at TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  reminders INTEGER NOT NULL DEFAULT 0,
  -- The letter it was handed out with: sent again, it is the same one, whatever has come up since.
  letter TEXT NOT NULL DEFAULT '',
  words TEXT NOT NULL DEFAULT '',
  sent_at TEXT,
  UNIQUE (problem_no, phase, channel)
) STRICT;

CREATE INDEX notice_waiting ON notice (channel, next_at) WHERE state = 'waiting';

-- Refused, and nobody has acted on it: what a person closes, retries well or drops again has no reason any more.
CREATE INDEX file_to_answer ON file (partner, intake, day) WHERE reason_text IS NOT NULL;
CREATE INDEX message_for_person ON message (file_no) WHERE verdict = 'held' AND wait_until IS NULL;

-- 0 while a daemon runs: what a start finds so was no orderly end.
ALTER TABLE identity ADD COLUMN ended INTEGER NOT NULL DEFAULT 1;
