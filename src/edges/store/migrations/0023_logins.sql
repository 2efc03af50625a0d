-- Registrations by the number that was given. Who of the contacts may log in with a password. The hash is in no view, no kind and no command.

CREATE TABLE login (
  contact_no TEXT NOT NULL PRIMARY KEY,
  hash TEXT NOT NULL,
  set_at TEXT NOT NULL,
  set_by TEXT NOT NULL,
  disabled_at TEXT,
  disabled_by TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX registration_number ON registration (number_given) WHERE number_given IS NOT NULL;

CREATE VIEW v_login AS
SELECT l.contact_no, c.customer_no, c.email, COALESCE(c.active, 0) AS active, COALESCE(c.web_login, 0) AS web_login, l.set_at, l.set_by, l.disabled_at, l.disabled_by
FROM login l LEFT JOIN contact c ON c.contact_no = l.contact_no;
