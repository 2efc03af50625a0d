-- Documents, images and films of articles and customers, as manifests say them: the newest revision of each. The article and the language come after
-- the number in the key, so an index of its own answers "all of this article".

CREATE TABLE document (
  row_id INTEGER PRIMARY KEY,
  doc_kind TEXT NOT NULL DEFAULT '',
  doc_no TEXT NOT NULL DEFAULT '',
  article_no TEXT NOT NULL DEFAULT '',
  article_no_sent TEXT,
  language TEXT NOT NULL DEFAULT '',
  customer_no TEXT NOT NULL DEFAULT '',
  customer_no_sent TEXT,
  revision TEXT,
  title TEXT,
  file_name TEXT NOT NULL,
  valid_from TEXT,
  valid_to TEXT,
  pos INTEGER,
  sha256 TEXT,
  bytes INTEGER,
  mime TEXT,
  pages INTEGER,
  width INTEGER,
  height INTEGER,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  as_of TEXT,
  active INTEGER NOT NULL DEFAULT 1,
  UNIQUE (doc_kind, doc_no, article_no, language, customer_no)
) STRICT;

CREATE TABLE document_extra (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  doc_kind TEXT NOT NULL DEFAULT '',
  doc_no TEXT NOT NULL DEFAULT '',
  article_no TEXT NOT NULL DEFAULT '',
  language TEXT NOT NULL DEFAULT '',
  customer_no TEXT NOT NULL DEFAULT '',
  value TEXT NOT NULL,
  PRIMARY KEY (owner, name, doc_kind, doc_no, article_no, language, customer_no)
) STRICT, WITHOUT ROWID;

CREATE INDEX document_article ON document (article_no, customer_no, doc_kind, language);
CREATE INDEX document_no ON document (doc_no);
CREATE INDEX document_customer ON document (customer_no, doc_kind) WHERE customer_no <> '';

CREATE VIEW v_document AS
SELECT d.doc_kind, d.doc_no, d.article_no, d.language, d.customer_no, d.revision, d.title, d.file_name, d.valid_from, d.valid_to, d.pos,
  d.sha256, d.bytes, d.mime, d.pages, d.width, d.height, d.active,
  COALESCE(d.as_of, f.as_of) AS as_of, f.partner || '/' || f.intake AS source, f.file_id, d.file_line
FROM document d
LEFT JOIN file f ON f.file_no = d.file_no;
