-- PDFs that go on with their orders. One PDF an arrival (its file), one PDF an order, one order a PDF; which order, once it is taken.
-- Its bytes stand here, so that binding and bytes are one commit; they are forgotten when the order was sent and the days of originals are over.
CREATE TABLE order_pdf (
  file_no INTEGER PRIMARY KEY REFERENCES file (file_no) ON DELETE CASCADE,
  order_row INTEGER UNIQUE,
  name TEXT NOT NULL,
  content_hash BLOB NOT NULL,
  pages INTEGER NOT NULL,
  size INTEGER NOT NULL,
  bytes BLOB,
  bound_at TEXT
) STRICT;
CREATE INDEX order_pdf_kept ON order_pdf (file_no) WHERE bytes IS NOT NULL;
