-- The content of small files that were judged, until their originals are known to be on the disk: one sync of the ledger is
-- all that a small file costs. Emptied when the files are marked as placed.
CREATE TABLE file_copy (
    file_no INTEGER PRIMARY KEY REFERENCES file (file_no),
    content BLOB NOT NULL
) STRICT;
