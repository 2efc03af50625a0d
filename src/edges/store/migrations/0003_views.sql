-- What others may read: amounts with their point, names instead of numbers. A scaled integer is divided for the eye;
-- sums that must be exact are taken from the tables.

CREATE VIEW v_order AS
SELECT o.row_id, o.partner, o.customer_no, o.customer_no_sent, o.buyer_order_no, COALESCE(s.order_no, o.order_no) AS order_no,
  COALESCE(s.status, 'received') AS status, s.status_at, s.promised_date, o.received_at, o.order_date, o.order_time, o.requested_date,
  o.drop_ship, o.currency, o.reference, o.branch, o.delivery_name, o.delivery_street, o.delivery_house_no, o.delivery_zip,
  o.delivery_city, o.delivery_country, o.delivery_method, o.payment_method, o.freight_e6 / 1000000.0 AS freight,
  o.total_net_e6 / 1000000.0 AS total_net, o.total_gross_e6 / 1000000.0 AS total_gross, o.note,
  f.file_id, f.name AS file_name, o.file_line
FROM orders o
LEFT JOIN order_status s ON s.buyer_order_no = o.buyer_order_no AND s.customer_no = o.customer_no AND s.partner = o.partner AND s.active = 1
LEFT JOIN file f ON f.file_no = o.file_no;

CREATE VIEW v_order_line AS
SELECT l.head_row, o.partner, o.customer_no, o.buyer_order_no, l.pos, l.line_no, l.article_no, l.article_no_sent, l.buyer_article_no,
  l.supplier_article_no, l.ean, l.description, l.qty_e6 / 1000000.0 AS qty, l.unit, l.base_qty_e6 / 1000000.0 AS base_qty, l.base_unit,
  l.net_price_e6 / 1000000.0 AS net_price, l.gross_price_e6 / 1000000.0 AS gross_price, l.price_per_e6 / 1000000.0 AS price_per,
  l.discount_pct_e4 / 10000.0 AS discount_pct, l.line_total_e6 / 1000000.0 AS line_total, l.tax_pct_e4 / 10000.0 AS tax_pct,
  l.warehouse, l.requested_date, l.note
FROM order_line l
JOIN orders o ON o.row_id = l.head_row;

CREATE VIEW v_order_status AS
SELECT s.row_id, s.partner, s.customer_no, s.buyer_order_no, s.order_no, s.status, s.status_at, s.promised_date, s.invoice_no, s.note,
  s.active, COALESCE(s.as_of, f.as_of) AS as_of, f.partner || '/' || f.intake AS source, f.file_id, s.file_line
FROM order_status s
LEFT JOIN file f ON f.file_no = s.file_no;

CREATE VIEW v_despatch AS
SELECT s.partner, s.customer_no, s.buyer_order_no, s.order_no, d.delivery_note_no, d.carrier, d.service, d.shipped_at, d.shipped_date,
  t.tracking_no, t.tracking_url
FROM despatch d
JOIN order_status s ON s.row_id = d.head_row
LEFT JOIN despatch_tracking t ON t.head_row = d.head_row AND t.parent_pos = d.pos;

CREATE VIEW v_stock AS
SELECT s.article_no, s.article_no_sent, s.warehouse, s.qty_e6 / 1000000.0 AS qty, s.unit, s.expected_date,
  s.expected_qty_e6 / 1000000.0 AS expected_qty, s.available_date, s.availability, s.end_of_life, s.temp_unavailable, s.active,
  COALESCE(s.as_of, f.as_of) AS as_of, f.partner || '/' || f.intake AS source, f.file_id, s.file_line
FROM stock s
LEFT JOIN file f ON f.file_no = s.file_no;

CREATE VIEW v_price AS
SELECT p.price_list, p.customer_no, p.article_no, p.article_no_sent, p.currency, p.from_qty_e6 / 1000000.0 AS from_qty, p.valid_from, p.valid_to,
  p.price_e6 / 1000000.0 AS price, p.price_per_e6 / 1000000.0 AS price_per, p.price_unit, p.basis, p.discount_pct_e4 / 10000.0 AS discount_pct,
  p.tax_pct_e4 / 10000.0 AS tax_pct, p.recommended_price_e6 / 1000000.0 AS recommended_price, p.discount_group, p.active,
  COALESCE(p.as_of, f.as_of) AS as_of, f.partner || '/' || f.intake AS source, f.file_id, p.file_line
FROM price p
LEFT JOIN file f ON f.file_no = p.file_no;

CREATE VIEW v_customer AS
SELECT c.customer_no, c.name, c.name2, c.street, c.house_no, c.zip, c.city, c.country, c.customer_group, c.price_list, c.currency,
  c.credit_limit_e6 / 1000000.0 AS credit_limit, c.blocked, c.active, COALESCE(c.as_of, f.as_of) AS as_of,
  f.partner || '/' || f.intake AS source, f.file_id, c.file_line
FROM customer c
LEFT JOIN file f ON f.file_no = c.file_no;

CREATE VIEW v_article AS
SELECT a.article_no, a.name, a.name2, a.unit, a.ean, a.supplier_no, a.supplier_article_no, a.article_group, a.brand, a.status, a.web,
  a.weight_kg_e6 / 1000000.0 AS weight_kg, a.pack_qty_e6 / 1000000.0 AS pack_qty, a.active, COALESCE(a.as_of, f.as_of) AS as_of,
  f.partner || '/' || f.intake AS source, f.file_id, a.file_line
FROM article a
LEFT JOIN file f ON f.file_no = a.file_no;

CREATE VIEW v_file AS
SELECT f.file_id, f.partner, f.intake, f.name, f.first_seen, f.state, f.verdict, f.messages, f.accepted, f.unchanged, f.duplicate,
  f.stale, f.held, f.refused, f.code, f.decided_at, f.place, f.day, f.size, f.reason_text, f.comment
FROM file f;
