-- Copies in done/ whose personal fields are to be overwritten: `redacted` is 0, 2 while that is done, 1 when it is.

-- The meaning of the intake's files (its fingerprint) under which the fields were looked for in vain: with another
-- configuration it is tried again.
ALTER TABLE file ADD COLUMN redact_tried INTEGER;

-- What is past its days is looked for every minute; copies that were redacted long ago are passed over in the index.
DROP INDEX file_kept;
CREATE INDEX file_kept ON file (partner, intake, day, redacted) WHERE placed = 1 AND original_gone = 0;
