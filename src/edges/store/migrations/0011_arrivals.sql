-- Windows of time in which files are expected, each with the rule of the time when it opened: (opens_at, due_at].

CREATE TABLE arrival_window (
  intake TEXT NOT NULL,
  due_at TEXT NOT NULL,
  opens_at TEXT NOT NULL,
  least INTEGER NOT NULL,
  most INTEGER,
  came INTEGER NOT NULL DEFAULT 0,
  met_at TEXT,
  state TEXT NOT NULL CHECK (state = 'open' OR state = 'met' OR state = 'late' OR state = 'missing' OR state = 'excused'),
  PRIMARY KEY (intake, due_at)
) STRICT, WITHOUT ROWID;
