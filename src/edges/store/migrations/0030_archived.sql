-- Originals past their days may be packed: archived is the number of the archive of their day that holds them; below 0 it is being put
-- there and its file may still stand in done/ as well.

ALTER TABLE file ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;

DROP INDEX file_kept;

CREATE INDEX file_kept ON file (partner, intake, day, redacted, archived) WHERE placed = 1 AND original_gone = 0;

CREATE INDEX file_being_archived ON file (partner, intake) WHERE archived < 0;
