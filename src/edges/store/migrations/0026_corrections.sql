-- What people corrected in messages, by the message's number in its file. Who, when and why stands with the command.

CREATE TABLE correction (
  correction_no INTEGER PRIMARY KEY,
  file_no INTEGER NOT NULL REFERENCES file (file_no),
  number INTEGER NOT NULL,
  command_id TEXT NOT NULL,
  field TEXT NOT NULL,
  before TEXT,
  after TEXT,
  personal INTEGER NOT NULL DEFAULT 0,
  UNIQUE (command_id, field)
) STRICT;

CREATE INDEX correction_file ON correction (file_no, number);

CREATE VIEW v_correction AS
SELECT c.file_no, f.file_id, f.name AS file_name, c.number AS message, d.who, d.at, d.comment, c.field, c.before, c.after
FROM correction c JOIN file f ON f.file_no = c.file_no JOIN command d ON d.command_id = c.command_id;
