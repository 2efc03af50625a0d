-- Values of other kinds in the rows of a feed: which kinds a feed looks at beside its own; partners' own fields of records and
-- facts, by owner and name as feeds ask for them; and discounts on groups of articles.

CREATE TABLE feed_also (
  feed_no INTEGER NOT NULL REFERENCES feed (feed_no),
  kind TEXT NOT NULL,
  PRIMARY KEY (feed_no, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX feed_also_kind ON feed_also (kind);

CREATE TABLE customer_extra (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  customer_no TEXT NOT NULL DEFAULT '',
  value TEXT NOT NULL,
  PRIMARY KEY (owner, name, customer_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE article_extra (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  article_no TEXT NOT NULL DEFAULT '',
  value TEXT NOT NULL,
  PRIMARY KEY (owner, name, article_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE stock_extra (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  article_no TEXT NOT NULL DEFAULT '',
  warehouse TEXT NOT NULL DEFAULT '',
  value TEXT NOT NULL,
  PRIMARY KEY (owner, name, article_no, warehouse)
) STRICT, WITHOUT ROWID;

CREATE TABLE price_extra (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  price_list TEXT NOT NULL DEFAULT '',
  customer_no TEXT NOT NULL DEFAULT '',
  article_no TEXT NOT NULL DEFAULT '',
  currency TEXT NOT NULL DEFAULT '',
  from_qty_e6 INTEGER NOT NULL DEFAULT 0,
  valid_from TEXT NOT NULL DEFAULT '',
  value TEXT NOT NULL,
  PRIMARY KEY (owner, name, price_list, customer_no, article_no, currency, from_qty_e6, valid_from)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_status_extra (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  partner TEXT NOT NULL DEFAULT '',
  customer_no TEXT NOT NULL DEFAULT '',
  buyer_order_no TEXT NOT NULL DEFAULT '',
  value TEXT NOT NULL,
  PRIMARY KEY (owner, name, partner, customer_no, buyer_order_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE discount (
  price_list TEXT NOT NULL DEFAULT '',
  customer_no TEXT NOT NULL DEFAULT '',
  customer_no_sent TEXT,
  discount_group TEXT NOT NULL DEFAULT '',
  valid_from TEXT NOT NULL DEFAULT '',
  valid_to TEXT,
  description TEXT,
  discount_pct_e4 INTEGER NOT NULL,
  discount2_pct_e4 INTEGER,
  discount3_pct_e4 INTEGER,
  file_no INTEGER NOT NULL,
  file_line INTEGER NOT NULL,
  as_of TEXT,
  active INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (price_list, customer_no, discount_group, valid_from)
) STRICT, WITHOUT ROWID;

CREATE TABLE discount_extra (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  price_list TEXT NOT NULL DEFAULT '',
  customer_no TEXT NOT NULL DEFAULT '',
  discount_group TEXT NOT NULL DEFAULT '',
  valid_from TEXT NOT NULL DEFAULT '',
  value TEXT NOT NULL,
  PRIMARY KEY (owner, name, price_list, customer_no, discount_group, valid_from)
) STRICT, WITHOUT ROWID;

CREATE VIEW v_discount AS
SELECT d.price_list, d.customer_no, d.discount_group, d.valid_from, d.valid_to, d.description, d.discount_pct_e4 / 10000.0 AS discount_pct,
  d.discount2_pct_e4 / 10000.0 AS discount2_pct, d.discount3_pct_e4 / 10000.0 AS discount3_pct, d.active,
  COALESCE(d.as_of, f.as_of) AS as_of, f.partner || '/' || f.intake AS source, f.file_id, d.file_line
FROM discount d
LEFT JOIN file f ON f.file_no = d.file_no;
