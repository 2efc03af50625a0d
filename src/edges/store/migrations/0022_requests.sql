-- Requests of several kinds: a row is a row of its kind, and a feed that once told another kind knows nothing of this one.
CREATE TABLE run_request_of_kind (
  feed TEXT NOT NULL,
  kind TEXT NOT NULL,
  row_id INTEGER NOT NULL,
  run_no INTEGER NOT NULL REFERENCES run (run_no),
  PRIMARY KEY (feed, kind, row_id)
) STRICT, WITHOUT ROWID;
INSERT INTO run_request_of_kind (feed, kind, row_id, run_no) SELECT feed, 'order', row_id, run_no FROM run_request;
DROP TABLE run_request;
ALTER TABLE run_request_of_kind RENAME TO run_request;
CREATE INDEX run_request_of_row ON run_request (row_id, kind);

CREATE TABLE export_floor_of_kind (
  feed TEXT NOT NULL,
  kind TEXT NOT NULL,
  row_id INTEGER NOT NULL,
  PRIMARY KEY (feed, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO export_floor_of_kind (feed, kind, row_id) SELECT feed, 'order', row_id FROM export_floor;
DROP TABLE export_floor;
ALTER TABLE export_floor_of_kind RENAME TO export_floor;
