-- What stock, prices and order status were: a row for each value that was replaced, with the moments between which it held. The value that
-- holds now stands in the kind's own table alone, which says since when: a first load writes no history.

ALTER TABLE file ADD COLUMN first_as_of TEXT;

ALTER TABLE stock ADD COLUMN since_file INTEGER;
ALTER TABLE stock ADD COLUMN since_line INTEGER;
ALTER TABLE stock ADD COLUMN since TEXT;

ALTER TABLE price ADD COLUMN since_file INTEGER;
ALTER TABLE price ADD COLUMN since_line INTEGER;
ALTER TABLE price ADD COLUMN since TEXT;

ALTER TABLE order_status ADD COLUMN since_file INTEGER;
ALTER TABLE order_status ADD COLUMN since_line INTEGER;
ALTER TABLE order_status ADD COLUMN since TEXT;

CREATE TABLE stock_history (
  history_no INTEGER PRIMARY KEY,
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
  active INTEGER NOT NULL,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  since TEXT NOT NULL,
  until TEXT NOT NULL
) STRICT;
CREATE INDEX stock_history_key ON stock_history (article_no, warehouse);

CREATE TABLE price_history (
  history_no INTEGER PRIMARY KEY,
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
  active INTEGER NOT NULL,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  since TEXT NOT NULL,
  until TEXT NOT NULL
) STRICT;
CREATE INDEX price_history_key ON price_history (price_list, customer_no, article_no);

CREATE TABLE order_status_history (
  history_no INTEGER PRIMARY KEY,
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
  active INTEGER NOT NULL,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  since TEXT NOT NULL,
  until TEXT NOT NULL
) STRICT;
CREATE INDEX order_status_history_key ON order_status_history (buyer_order_no, customer_no, partner);

-- `WHERE ? >= since AND ? < until` says what held at a moment (UTC, as 2026-11-20T06:00:00.000Z).

CREATE VIEW v_stock_at AS
SELECT h.article_no, h.article_no_sent, h.warehouse, h.qty_e6 / 1000000.0 AS qty, h.unit, h.expected_date,
  h.expected_qty_e6 / 1000000.0 AS expected_qty, h.available_date, h.availability, h.end_of_life, h.temp_unavailable, h.active,
  h.since, h.until, f.decided_at AS applied_at, f.partner || '/' || f.intake AS source, f.file_id, h.file_line
FROM stock_history h
LEFT JOIN file f ON f.file_no = h.file_no
UNION ALL
SELECT r.article_no, r.article_no_sent, r.warehouse, r.qty_e6 / 1000000.0 AS qty, r.unit, r.expected_date,
  r.expected_qty_e6 / 1000000.0 AS expected_qty, r.available_date, r.availability, r.end_of_life, r.temp_unavailable, r.active,
  COALESCE(r.since, CASE WHEN r.since_file IS NULL AND r.as_of GLOB '[0-9]*' THEN r.as_of END,
    CASE WHEN COALESCE(f.first_as_of, f.as_of) GLOB '[0-9]*' THEN COALESCE(f.first_as_of, f.as_of) ELSE f.first_seen END),
  '9999-12-31T23:59:59.999Z', f.decided_at, f.partner || '/' || f.intake, f.file_id,
  CASE WHEN r.since_file IS NULL THEN r.file_line ELSE r.since_line END
FROM stock r
LEFT JOIN file f ON f.file_no = COALESCE(r.since_file, r.file_no);

CREATE VIEW v_price_at AS
SELECT h.price_list, h.customer_no, h.customer_no_sent, h.article_no, h.article_no_sent, h.currency, h.from_qty_e6 / 1000000.0 AS from_qty, h.valid_from, h.valid_to,
  h.price_e6 / 1000000.0 AS price, h.price_per_e6 / 1000000.0 AS price_per, h.price_unit, h.basis, h.discount_pct_e4 / 10000.0 AS discount_pct,
  h.tax_pct_e4 / 10000.0 AS tax_pct, h.recommended_price_e6 / 1000000.0 AS recommended_price, h.discount_group, h.active,
  h.since, h.until, f.decided_at AS applied_at, f.partner || '/' || f.intake AS source, f.file_id, h.file_line
FROM price_history h
LEFT JOIN file f ON f.file_no = h.file_no
UNION ALL
SELECT r.price_list, r.customer_no, r.customer_no_sent, r.article_no, r.article_no_sent, r.currency, r.from_qty_e6 / 1000000.0 AS from_qty, r.valid_from, r.valid_to,
  r.price_e6 / 1000000.0 AS price, r.price_per_e6 / 1000000.0 AS price_per, r.price_unit, r.basis, r.discount_pct_e4 / 10000.0 AS discount_pct,
  r.tax_pct_e4 / 10000.0 AS tax_pct, r.recommended_price_e6 / 1000000.0 AS recommended_price, r.discount_group, r.active,
  COALESCE(r.since, CASE WHEN r.since_file IS NULL AND r.as_of GLOB '[0-9]*' THEN r.as_of END,
    CASE WHEN COALESCE(f.first_as_of, f.as_of) GLOB '[0-9]*' THEN COALESCE(f.first_as_of, f.as_of) ELSE f.first_seen END),
  '9999-12-31T23:59:59.999Z', f.decided_at, f.partner || '/' || f.intake, f.file_id,
  CASE WHEN r.since_file IS NULL THEN r.file_line ELSE r.since_line END
FROM price r
LEFT JOIN file f ON f.file_no = COALESCE(r.since_file, r.file_no);

CREATE VIEW v_order_status_at AS
SELECT h.partner, h.customer_no, h.customer_no_sent, h.buyer_order_no, h.order_no, h.status, h.status_at, h.promised_date, h.invoice_no, h.note, h.active,
  h.since, h.until, f.decided_at AS applied_at, f.partner || '/' || f.intake AS source, f.file_id, h.file_line
FROM order_status_history h
LEFT JOIN file f ON f.file_no = h.file_no
UNION ALL
SELECT r.partner, r.customer_no, r.customer_no_sent, r.buyer_order_no, r.order_no, r.status, r.status_at, r.promised_date, r.invoice_no, r.note, r.active,
  COALESCE(r.since, CASE WHEN r.since_file IS NULL AND r.as_of GLOB '[0-9]*' THEN r.as_of END,
    CASE WHEN COALESCE(f.first_as_of, f.as_of) GLOB '[0-9]*' THEN COALESCE(f.first_as_of, f.as_of) ELSE f.first_seen END),
  '9999-12-31T23:59:59.999Z', f.decided_at, f.partner || '/' || f.intake, f.file_id,
  CASE WHEN r.since_file IS NULL THEN r.file_line ELSE r.since_line END
FROM order_status r
LEFT JOIN file f ON f.file_no = COALESCE(r.since_file, r.file_no);
