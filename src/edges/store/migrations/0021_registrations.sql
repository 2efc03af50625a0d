-- Registrations of customers and contacts, what became of them, and which rows were made from what a partner said.
-- A row whose as_of is '' was made by us: whatever the ERP says of it wins.

ALTER TABLE customer ADD COLUMN external_id TEXT;
ALTER TABLE customer ADD COLUMN registered_by TEXT;
ALTER TABLE contact ADD COLUMN external_id TEXT;
ALTER TABLE contact ADD COLUMN registered_by TEXT;

CREATE TABLE registration (
  row_id INTEGER PRIMARY KEY,
  external_id TEXT NOT NULL DEFAULT '',
  subject TEXT NOT NULL,
  number_given TEXT,
  partner TEXT NOT NULL DEFAULT '',
  received_at TEXT,
  requested_no TEXT,
  customer_no TEXT,
  customer_no_sent TEXT,
  customer_external_id TEXT,
  name TEXT,
  name2 TEXT,
  contact_name TEXT,
  org_no TEXT,
  vat_no TEXT,
  gln TEXT,
  street TEXT,
  house_no TEXT,
  street2 TEXT,
  zip TEXT,
  city TEXT,
  state TEXT,
  country TEXT,
  title TEXT,
  first_name TEXT,
  last_name TEXT,
  email TEXT,
  phone TEXT,
  mobile TEXT,
  role TEXT,
  department TEXT,
  web_login INTEGER,
  customer_group TEXT,
  price_list TEXT,
  discount_group TEXT,
  payment_terms TEXT,
  delivery_terms TEXT,
  delivery_method TEXT,
  currency TEXT,
  language TEXT,
  note TEXT,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  UNIQUE (external_id, partner)
) STRICT;

CREATE TABLE registration_address (
  head_row INTEGER NOT NULL REFERENCES registration (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  role TEXT,
  address_no TEXT,
  name TEXT,
  name2 TEXT,
  contact_name TEXT,
  street TEXT,
  house_no TEXT,
  street2 TEXT,
  zip TEXT,
  city TEXT,
  state TEXT,
  country TEXT,
  phone TEXT,
  email TEXT,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE registration_right (
  head_row INTEGER NOT NULL REFERENCES registration (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  feature TEXT NOT NULL,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE registration_extra (
  head_row INTEGER NOT NULL REFERENCES registration (row_id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  part TEXT NOT NULL,
  pos INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (head_row, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE registration_answer (
  row_id INTEGER PRIMARY KEY,
  partner TEXT NOT NULL DEFAULT '',
  external_id TEXT NOT NULL DEFAULT '',
  subject TEXT,
  state TEXT NOT NULL,
  number_given TEXT,
  note TEXT,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  as_of TEXT,
  active INTEGER NOT NULL DEFAULT 1,
  UNIQUE (partner, external_id)
) STRICT;

CREATE TABLE registration_answer_extra (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  partner TEXT NOT NULL DEFAULT '',
  external_id TEXT NOT NULL DEFAULT '',
  value TEXT NOT NULL,
  PRIMARY KEY (owner, name, partner, external_id)
) STRICT, WITHOUT ROWID;

-- Who is the same company: as model/rules/same_party writes what is looked for.
CREATE INDEX customer_vat ON customer (upper(replace(replace(replace(replace(vat_no, ' ', ''), '.', ''), '-', ''), '/', ''))) WHERE vat_no IS NOT NULL;
CREATE INDEX customer_email ON customer (lower(trim(email))) WHERE email IS NOT NULL;
CREATE INDEX contact_email ON contact (lower(trim(email))) WHERE email IS NOT NULL;
CREATE INDEX registration_vat ON registration (upper(replace(replace(replace(replace(vat_no, ' ', ''), '.', ''), '-', ''), '/', ''))) WHERE number_given IS NULL;
CREATE INDEX registration_email ON registration (lower(trim(email))) WHERE number_given IS NULL;
CREATE INDEX registration_file ON registration (file_no);
CREATE INDEX customer_made ON customer (file_no) WHERE as_of = '';
CREATE INDEX article_made ON article (file_no) WHERE as_of = '';
CREATE INDEX contact_made ON contact (file_no) WHERE as_of = '';

CREATE VIEW v_registration AS
SELECT r.partner, r.external_id, r.subject, r.number_given, COALESCE(a.state, 'received') AS state, r.name, r.last_name, r.customer_no, r.customer_external_id,
  r.vat_no, r.email, r.zip, r.city, r.country, r.received_at, f.partner || '/' || f.intake AS source, f.file_id, r.file_line
FROM registration r
LEFT JOIN registration_answer a ON a.partner = r.partner AND a.external_id = r.external_id AND a.active = 1
LEFT JOIN file f ON f.file_no = r.file_no;

CREATE VIEW v_made AS
SELECT 'customer' AS kind, c.customer_no AS number, c.name, f.kind AS made_by, f.partner || '/' || f.intake AS source, f.file_id, c.file_line
FROM customer c JOIN file f ON f.file_no = c.file_no WHERE c.as_of = ''
UNION ALL SELECT 'contact', c.contact_no, c.last_name, f.kind, f.partner || '/' || f.intake, f.file_id, c.file_line
FROM contact c JOIN file f ON f.file_no = c.file_no WHERE c.as_of = ''
UNION ALL SELECT 'article', a.article_no, a.name, f.kind, f.partner || '/' || f.intake, f.file_id, a.file_line
FROM article a JOIN file f ON f.file_no = a.file_no WHERE a.as_of = '';
