-- Bytes of documents that are there: each stands as the original of the file it came in, under the name that manifests say. The file that
-- brought the same bytes last is the one that is kept.
CREATE TABLE content (
  file_no INTEGER PRIMARY KEY REFERENCES file (file_no) ON DELETE CASCADE,
  partner TEXT NOT NULL,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  mime TEXT NOT NULL,
  UNIQUE (partner, name, sha256)
) STRICT;
CREATE INDEX document_content ON document (sha256, file_name) WHERE sha256 IS NOT NULL;
