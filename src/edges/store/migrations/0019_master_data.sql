-- Master data beside articles and customers: lists of codes, sets, contacts, and partners' numbers of articles as lists of their own.

CREATE TABLE base_data (
  row_id INTEGER PRIMARY KEY,
  list TEXT NOT NULL DEFAULT '',
  code TEXT NOT NULL DEFAULT '',
  name TEXT,
  value_e6 INTEGER,
  sort INTEGER,
  note TEXT,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  as_of TEXT,
  active INTEGER NOT NULL DEFAULT 1,
  UNIQUE (list, code)
) STRICT;

CREATE TABLE base_data_name (
  head_row INTEGER NOT NULL REFERENCES base_data (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  language TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE base_data_extra (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  list TEXT NOT NULL DEFAULT '',
  code TEXT NOT NULL DEFAULT '',
  value TEXT NOT NULL,
  PRIMARY KEY (owner, name, list, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE set_article (
  row_id INTEGER PRIMARY KEY,
  set_no TEXT NOT NULL DEFAULT '',
  set_no_sent TEXT,
  price_mode TEXT,
  explode INTEGER,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  as_of TEXT,
  active INTEGER NOT NULL DEFAULT 1,
  UNIQUE (set_no)
) STRICT;

CREATE TABLE set_component (
  head_row INTEGER NOT NULL REFERENCES set_article (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  line_no INTEGER,
  component_no TEXT NOT NULL,
  component_no_sent TEXT,
  qty_e6 INTEGER NOT NULL,
  unit TEXT,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE set_article_extra (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  set_no TEXT NOT NULL DEFAULT '',
  value TEXT NOT NULL,
  PRIMARY KEY (owner, name, set_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE contact (
  row_id INTEGER PRIMARY KEY,
  contact_no TEXT NOT NULL DEFAULT '',
  customer_no TEXT,
  customer_no_sent TEXT,
  title TEXT,
  first_name TEXT,
  last_name TEXT,
  email TEXT,
  phone TEXT,
  mobile TEXT,
  language TEXT,
  role TEXT,
  department TEXT,
  web_login INTEGER,
  note TEXT,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  as_of TEXT,
  active INTEGER NOT NULL DEFAULT 1,
  UNIQUE (contact_no)
) STRICT;

CREATE TABLE contact_right (
  head_row INTEGER NOT NULL REFERENCES contact (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  feature TEXT NOT NULL,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE contact_extra (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  contact_no TEXT NOT NULL DEFAULT '',
  value TEXT NOT NULL,
  PRIMARY KEY (owner, name, contact_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE article_reference (
  row_id INTEGER PRIMARY KEY,
  scheme TEXT NOT NULL DEFAULT '',
  belongs_to TEXT NOT NULL DEFAULT '',
  their_no TEXT NOT NULL DEFAULT '',
  article_no TEXT NOT NULL,
  article_no_sent TEXT,
  description TEXT,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  as_of TEXT,
  active INTEGER NOT NULL DEFAULT 1,
  UNIQUE (scheme, belongs_to, their_no)
) STRICT;

CREATE TABLE article_reference_extra (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  scheme TEXT NOT NULL DEFAULT '',
  belongs_to TEXT NOT NULL DEFAULT '',
  their_no TEXT NOT NULL DEFAULT '',
  value TEXT NOT NULL,
  PRIMARY KEY (owner, name, scheme, belongs_to, their_no)
) STRICT, WITHOUT ROWID;

CREATE INDEX article_reference_no ON article_reference (their_no, scheme, belongs_to, active, article_no);
CREATE INDEX set_component_no ON set_component (component_no);
CREATE INDEX contact_customer ON contact (customer_no, active);

CREATE VIEW v_base_data AS
SELECT b.list, b.code, b.name, b.value_e6 / 1000000.0 AS value, b.sort, b.note, b.active,
  COALESCE(b.as_of, f.as_of) AS as_of, f.partner || '/' || f.intake AS source, f.file_id, b.file_line
FROM base_data b
LEFT JOIN file f ON f.file_no = b.file_no;

CREATE VIEW v_set_article AS
SELECT s.set_no, s.price_mode, s.explode, c.line_no, c.component_no, c.qty_e6 / 1000000.0 AS qty, c.unit, s.active,
  COALESCE(s.as_of, f.as_of) AS as_of, f.partner || '/' || f.intake AS source, f.file_id, s.file_line
FROM set_article s
LEFT JOIN set_component c ON c.head_row = s.row_id
LEFT JOIN file f ON f.file_no = s.file_no;

CREATE VIEW v_contact AS
SELECT c.contact_no, c.customer_no, c.title, c.first_name, c.last_name, c.email, c.phone, c.mobile, c.language, c.role, c.department, c.web_login, c.active,
  COALESCE(c.as_of, f.as_of) AS as_of, f.partner || '/' || f.intake AS source, f.file_id, c.file_line
FROM contact c
LEFT JOIN file f ON f.file_no = c.file_no;

CREATE VIEW v_article_reference AS
SELECT r.scheme, r.belongs_to, r.their_no, r.article_no, r.description, r.active,
  COALESCE(r.as_of, f.as_of) AS as_of, f.partner || '/' || f.intake AS source, f.file_id, r.file_line
FROM article_reference r
LEFT JOIN file f ON f.file_no = r.file_no;
