-- What partners asked: kept with the file, so that an answer that a crash cost is made again. code: why it was answered with nothing.
CREATE TABLE question (
  file_no INTEGER NOT NULL REFERENCES file (file_no),
  number INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  about TEXT NOT NULL,
  payload TEXT NOT NULL,
  code TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (file_no, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX question_not_allowed ON question (file_no) WHERE code = 'not-allowed';

-- Orders are asked for by the seller's number, and by customer and time.
CREATE INDEX order_status_order_no ON order_status (order_no) WHERE order_no IS NOT NULL;
CREATE INDEX orders_of_customer ON orders (customer_no, received_at);

CREATE VIEW v_question AS
SELECT f.partner, f.intake, q.request_id, q.about, q.code, f.decided_at AS answered_at, r.name AS answer_name, r.state AS answer_state,
  f.file_id, f.name AS file_name
FROM question q
JOIN file f ON f.file_no = q.file_no
LEFT JOIN run r ON r.file_no = q.file_no AND r.kind = 'answer';
