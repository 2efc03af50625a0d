-- Business tables: one per group of a kind (schemas/kinds), columns in the kind's order; see docs/model.md.
-- Migrations are never edited; what changes comes as the next one.

CREATE TABLE customer (
  row_id INTEGER PRIMARY KEY,
  customer_no TEXT NOT NULL DEFAULT '',
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
  email TEXT,
  phone TEXT,
  mobile TEXT,
  customer_group TEXT,
  price_list TEXT,
  discount_group TEXT,
  payment_terms TEXT,
  delivery_terms TEXT,
  delivery_method TEXT,
  currency TEXT,
  language TEXT,
  credit_limit_e6 INTEGER,
  blocked INTEGER,
  note TEXT,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  as_of TEXT,
  active INTEGER NOT NULL DEFAULT 1,
  UNIQUE (customer_no)
) STRICT;

CREATE TABLE customer_address (
  head_row INTEGER NOT NULL REFERENCES customer (row_id) ON DELETE CASCADE,
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

CREATE TABLE article (
  row_id INTEGER PRIMARY KEY,
  article_no TEXT NOT NULL DEFAULT '',
  name TEXT,
  name2 TEXT,
  long_text TEXT,
  unit TEXT,
  ean TEXT,
  supplier_no TEXT,
  supplier_article_no TEXT,
  article_group TEXT,
  discount_group TEXT,
  brand TEXT,
  vat_code TEXT,
  weight_kg_e6 INTEGER,
  length_mm_e6 INTEGER,
  width_mm_e6 INTEGER,
  height_mm_e6 INTEGER,
  pack_qty_e6 INTEGER,
  replaced_by TEXT,
  status TEXT,
  web INTEGER,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  as_of TEXT,
  active INTEGER NOT NULL DEFAULT 1,
  UNIQUE (article_no)
) STRICT;

CREATE TABLE article_alias (
  head_row INTEGER NOT NULL REFERENCES article (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  scheme TEXT NOT NULL,
  owner TEXT,
  value TEXT NOT NULL,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE article_unit (
  head_row INTEGER NOT NULL REFERENCES article (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  unit TEXT NOT NULL,
  base_qty_e6 INTEGER NOT NULL,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE stock (
  article_no TEXT NOT NULL DEFAULT '',
  article_no_sent TEXT,
  warehouse TEXT NOT NULL DEFAULT '',
  qty_e6 INTEGER NOT NULL,
  unit TEXT,
  expected_date TEXT,
  expected_qty_e6 INTEGER,
  available_date TEXT,
  availability TEXT,
  end_of_life INTEGER,
  temp_unavailable INTEGER,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  as_of TEXT,
  active INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (article_no, warehouse)
) STRICT, WITHOUT ROWID;

CREATE TABLE price (
  price_list TEXT NOT NULL DEFAULT '',
  customer_no TEXT NOT NULL DEFAULT '',
  customer_no_sent TEXT,
  article_no TEXT NOT NULL DEFAULT '',
  article_no_sent TEXT,
  currency TEXT NOT NULL DEFAULT '',
  from_qty_e6 INTEGER NOT NULL DEFAULT 0,
  valid_from TEXT NOT NULL DEFAULT '',
  valid_to TEXT,
  price_e6 INTEGER NOT NULL,
  price_per_e6 INTEGER,
  price_unit TEXT,
  basis TEXT,
  discount_pct_e4 INTEGER,
  tax_pct_e4 INTEGER,
  recommended_price_e6 INTEGER,
  discount_group TEXT,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  as_of TEXT,
  active INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (price_list, customer_no, article_no, currency, from_qty_e6, valid_from)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
  row_id INTEGER PRIMARY KEY,
  buyer_order_no TEXT NOT NULL DEFAULT '',
  customer_no TEXT NOT NULL DEFAULT '',
  customer_no_sent TEXT,
  order_no TEXT,
  partner TEXT NOT NULL DEFAULT '',
  received_at TEXT,
  order_date TEXT,
  order_time TEXT,
  requested_date TEXT,
  not_before_date TEXT,
  cancel_date TEXT,
  order_type TEXT,
  drop_ship INTEGER,
  allow_backorder INTEGER,
  currency TEXT,
  language TEXT,
  reference TEXT,
  branch TEXT,
  contact_name TEXT,
  email TEXT,
  phone TEXT,
  delivery_name TEXT,
  delivery_name2 TEXT,
  delivery_contact TEXT,
  delivery_gln TEXT,
  delivery_street TEXT,
  delivery_house_no TEXT,
  delivery_street2 TEXT,
  delivery_zip TEXT,
  delivery_city TEXT,
  delivery_state TEXT,
  delivery_country TEXT,
  delivery_phone TEXT,
  delivery_email TEXT,
  invoice_name TEXT,
  invoice_name2 TEXT,
  invoice_gln TEXT,
  invoice_street TEXT,
  invoice_house_no TEXT,
  invoice_street2 TEXT,
  invoice_zip TEXT,
  invoice_city TEXT,
  invoice_state TEXT,
  invoice_country TEXT,
  invoice_email TEXT,
  delivery_method TEXT,
  delivery_terms TEXT,
  payment_method TEXT,
  payment_terms TEXT,
  payment_days INTEGER,
  paid_date TEXT,
  freight_e6 INTEGER,
  total_net_e6 INTEGER,
  total_gross_e6 INTEGER,
  note TEXT,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  UNIQUE (buyer_order_no, customer_no, partner)
) STRICT;

CREATE TABLE order_line (
  head_row INTEGER NOT NULL REFERENCES orders (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  line_no INTEGER,
  partner_line_ref TEXT,
  article_no TEXT,
  article_no_sent TEXT,
  buyer_article_no TEXT,
  supplier_article_no TEXT,
  ean TEXT,
  isbn TEXT,
  description TEXT,
  qty_e6 INTEGER NOT NULL,
  unit TEXT,
  base_qty_e6 INTEGER,
  base_unit TEXT,
  net_price_e6 INTEGER,
  gross_price_e6 INTEGER,
  price_per_e6 INTEGER,
  price_unit TEXT,
  discount_pct_e4 INTEGER,
  discount2_pct_e4 INTEGER,
  discount3_pct_e4 INTEGER,
  line_total_e6 INTEGER,
  tax_pct_e4 INTEGER,
  warehouse TEXT,
  requested_date TEXT,
  note TEXT,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_line_charge (
  head_row INTEGER NOT NULL REFERENCES orders (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  parent_pos INTEGER NOT NULL,
  charge_type TEXT NOT NULL,
  reason TEXT,
  amount_e6 INTEGER,
  pct_e4 INTEGER,
  base_amount_e6 INTEGER,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_charge (
  head_row INTEGER NOT NULL REFERENCES orders (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  charge_type TEXT NOT NULL,
  reason TEXT,
  amount_e6 INTEGER,
  pct_e4 INTEGER,
  base_amount_e6 INTEGER,
  tax_pct_e4 INTEGER,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_extra (
  head_row INTEGER NOT NULL REFERENCES orders (row_id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  part TEXT NOT NULL,
  pos INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (head_row, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_status (
  row_id INTEGER PRIMARY KEY,
  partner TEXT NOT NULL DEFAULT '',
  customer_no TEXT NOT NULL DEFAULT '',
  customer_no_sent TEXT,
  buyer_order_no TEXT NOT NULL DEFAULT '',
  order_no TEXT,
  status TEXT NOT NULL,
  status_at TEXT,
  promised_date TEXT,
  invoice_no TEXT,
  note TEXT,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  as_of TEXT,
  active INTEGER NOT NULL DEFAULT 1,
  UNIQUE (buyer_order_no, customer_no, partner)
) STRICT;

CREATE TABLE order_status_line (
  head_row INTEGER NOT NULL REFERENCES order_status (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  line_no INTEGER,
  article_no TEXT,
  ordered_qty_e6 INTEGER,
  shipped_qty_e6 INTEGER,
  remaining_qty_e6 INTEGER,
  status TEXT,
  promised_date TEXT,
  note TEXT,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE despatch (
  head_row INTEGER NOT NULL REFERENCES order_status (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  delivery_note_no TEXT,
  carrier TEXT,
  service TEXT,
  shipped_at TEXT,
  shipped_date TEXT,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE despatch_tracking (
  head_row INTEGER NOT NULL REFERENCES order_status (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  parent_pos INTEGER NOT NULL,
  tracking_no TEXT NOT NULL,
  tracking_url TEXT,
  weight_kg_e6 INTEGER,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE despatch_line (
  head_row INTEGER NOT NULL REFERENCES order_status (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  parent_pos INTEGER NOT NULL,
  line_no INTEGER,
  article_no TEXT,
  qty_e6 INTEGER,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE customer_alias (
  owner TEXT NOT NULL,
  value TEXT NOT NULL,
  customer_no TEXT NOT NULL,
  PRIMARY KEY (owner, value, customer_no)
) STRICT, WITHOUT ROWID;

CREATE INDEX customer_known ON customer (customer_no, active);
CREATE INDEX article_known ON article (article_no, active, unit);
CREATE INDEX article_by_ean ON article (ean, active, article_no) WHERE ean IS NOT NULL;
CREATE INDEX article_by_supplier ON article (supplier_article_no, supplier_no, active, article_no) WHERE supplier_article_no IS NOT NULL;
CREATE INDEX article_alias_value ON article_alias (value, scheme, owner);
CREATE INDEX orders_of_partner ON orders (partner, received_at);
CREATE INDEX orders_order_no ON orders (order_no) WHERE order_no IS NOT NULL;
