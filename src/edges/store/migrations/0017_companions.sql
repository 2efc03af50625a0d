-- The files that make one arrival with others, as they stood in in/: kept as one archive from their claim on.
CREATE TABLE file_part (
  file_no INTEGER NOT NULL REFERENCES file (file_no) ON DELETE CASCADE,
  nth INTEGER NOT NULL,
  raw_name BLOB NOT NULL,
  name TEXT NOT NULL,
  size INTEGER NOT NULL,
  PRIMARY KEY (file_no, nth)
) STRICT, WITHOUT ROWID;
