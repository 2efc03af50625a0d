-- Several files of a remote that are one arrival: a row for each. nth is that of file_part, 0 for a file that comes alone.
CREATE TABLE collect_of_parts (
  file_no INTEGER NOT NULL REFERENCES file (file_no),
  nth INTEGER NOT NULL,
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
  target BLOB,
  short_since TEXT,
  PRIMARY KEY (file_no, nth)
) STRICT, WITHOUT ROWID;
INSERT INTO collect_of_parts (file_no, nth, remote, folder, name, claim, done_name, done_claim, size, stamp, state, then_do, target, short_since)
  SELECT file_no, 0, remote, folder, name, claim, done_name, done_claim, size, stamp, state, then_do, target, short_since FROM collect;
DROP TABLE collect;
ALTER TABLE collect_of_parts RENAME TO collect;
CREATE INDEX collect_by_name ON collect (remote, folder, name);

-- Of the bytes of each part; the file's own is that of the archive they are kept in.
ALTER TABLE file_part ADD COLUMN content_hash BLOB;

-- A part that stands at a remote without the others, as it is since then: how long it waits for them outlasts a restart.
CREATE TABLE lone_there (
  remote TEXT NOT NULL,
  folder BLOB NOT NULL,
  name BLOB NOT NULL,
  size INTEGER,
  stamp TEXT NOT NULL,
  since TEXT NOT NULL,
  PRIMARY KEY (remote, folder, name)
) STRICT, WITHOUT ROWID;
