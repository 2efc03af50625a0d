-- Quotes, which become orders once, and changes of orders: what an order was before each is kept.

ALTER TABLE orders ADD COLUMN quote_no TEXT;

CREATE TABLE quote (
  row_id INTEGER PRIMARY KEY,
  quote_no TEXT NOT NULL DEFAULT '',
  customer_no TEXT NOT NULL DEFAULT '',
  customer_no_sent TEXT,
  buyer_order_no TEXT,
  partner TEXT NOT NULL DEFAULT '',
  received_at TEXT,
  quote_date TEXT,
  valid_until TEXT,
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
  UNIQUE (quote_no, customer_no, partner)
) STRICT;

CREATE TABLE quote_line (
  head_row INTEGER NOT NULL REFERENCES quote (row_id) ON DELETE CASCADE,
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

CREATE TABLE quote_line_charge (
  head_row INTEGER NOT NULL REFERENCES quote (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  parent_pos INTEGER NOT NULL,
  charge_type TEXT NOT NULL,
  reason TEXT,
  amount_e6 INTEGER,
  pct_e4 INTEGER,
  base_amount_e6 INTEGER,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE quote_charge (
  head_row INTEGER NOT NULL REFERENCES quote (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  charge_type TEXT NOT NULL,
  reason TEXT,
  amount_e6 INTEGER,
  pct_e4 INTEGER,
  base_amount_e6 INTEGER,
  tax_pct_e4 INTEGER,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE quote_extra (
  head_row INTEGER NOT NULL REFERENCES quote (row_id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  part TEXT NOT NULL,
  pos INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (head_row, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_change (
  row_id INTEGER PRIMARY KEY,
  buyer_order_no TEXT NOT NULL DEFAULT '',
  customer_no TEXT NOT NULL DEFAULT '',
  customer_no_sent TEXT,
  change_seq INTEGER NOT NULL DEFAULT 0,
  partner TEXT NOT NULL DEFAULT '',
  received_at TEXT,
  order_no TEXT,
  told INTEGER,
  action TEXT NOT NULL,
  change_date TEXT,
  reason TEXT,
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
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  UNIQUE (buyer_order_no, customer_no, change_seq, partner)
) STRICT;

CREATE TABLE order_change_line (
  head_row INTEGER NOT NULL REFERENCES order_change (row_id) ON DELETE CASCADE,
  pos INTEGER NOT NULL,
  line_no INTEGER NOT NULL,
  article_no TEXT,
  qty_e6 INTEGER,
  unit TEXT,
  PRIMARY KEY (head_row, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_change_extra (
  head_row INTEGER NOT NULL REFERENCES order_change (row_id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  part TEXT NOT NULL,
  pos INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (head_row, seq)
) STRICT, WITHOUT ROWID;

-- A quote is ordered once, and an order takes up one quote.
CREATE TABLE quote_order (
  quote_row INTEGER PRIMARY KEY REFERENCES quote (row_id),
  order_row INTEGER NOT NULL UNIQUE REFERENCES orders (row_id)
) STRICT;

-- What an order was before a change, as the message was. cancels: since then it is no order any more; told: it was handed on
-- before, so that the change goes out by itself.
CREATE TABLE order_form (
  order_row INTEGER NOT NULL REFERENCES orders (row_id),
  change_row INTEGER NOT NULL UNIQUE REFERENCES order_change (row_id),
  cancels INTEGER NOT NULL DEFAULT 0,
  told INTEGER NOT NULL DEFAULT 0,
  before TEXT NOT NULL,
  PRIMARY KEY (order_row, change_row)
) STRICT, WITHOUT ROWID;

CREATE INDEX order_cancelled ON order_form (order_row) WHERE cancels = 1;
CREATE INDEX quote_of_customer ON quote (quote_no, customer_no);

CREATE VIEW v_quote AS
SELECT q.row_id, q.partner, q.customer_no, q.customer_no_sent, q.quote_no, q.quote_date, q.valid_until, q.received_at, q.currency, q.reference,
  q.total_net_e6 / 1000000.0 AS total_net, q.total_gross_e6 / 1000000.0 AS total_gross, o.buyer_order_no AS ordered_as, q.note,
  f.file_id, f.name AS file_name, q.file_line
FROM quote q
LEFT JOIN quote_order t ON t.quote_row = q.row_id
LEFT JOIN orders o ON o.row_id = t.order_row
LEFT JOIN file f ON f.file_no = q.file_no;

CREATE VIEW v_order_change AS
SELECT c.row_id, c.partner, c.customer_no, c.customer_no_sent, c.buyer_order_no, c.order_no, c.change_seq, c.action, c.received_at, c.change_date,
  c.reason, c.told, l.line_no, l.article_no, l.qty_e6 / 1000000.0 AS qty, l.unit, c.delivery_name, c.delivery_street, c.delivery_zip,
  c.delivery_city, c.delivery_country, f.file_id, f.name AS file_name, c.file_line
FROM order_change c
LEFT JOIN order_change_line l ON l.head_row = c.row_id
LEFT JOIN file f ON f.file_no = c.file_no;

DROP VIEW v_order;
CREATE VIEW v_order AS
SELECT o.row_id, o.partner, o.customer_no, o.customer_no_sent, o.buyer_order_no, COALESCE(s.order_no, o.order_no) AS order_no,
  COALESCE(s.status, CASE WHEN EXISTS (SELECT 1 FROM order_form c WHERE c.order_row = o.row_id AND c.cancels = 1 AND c.told = 0)
    THEN 'cancelled' ELSE 'received' END) AS status, s.status_at, s.promised_date, o.received_at, o.order_date, o.order_time, o.requested_date,
  o.drop_ship, o.currency, o.reference, o.branch, o.delivery_name, o.delivery_street, o.delivery_house_no, o.delivery_zip,
  o.delivery_city, o.delivery_country, o.delivery_method, o.payment_method, o.freight_e6 / 1000000.0 AS freight,
  o.total_net_e6 / 1000000.0 AS total_net, o.total_gross_e6 / 1000000.0 AS total_gross, o.note, o.quote_no,
  f.file_id, f.name AS file_name, o.file_line
FROM orders o
LEFT JOIN order_status s ON s.buyer_order_no = o.buyer_order_no AND s.customer_no = o.customer_no AND s.partner = o.partner AND s.active = 1
LEFT JOIN file f ON f.file_no = o.file_no;
