-- Partners that are tried out. 0 live, 1 test, 2 shadow: what a file would have done stands in its counts and exceptions, and
-- no business row is its. With a minus: a person closed it without applying it. See docs/model.md.
ALTER TABLE file ADD COLUMN rehearsed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX file_rehearsed ON file (partner, intake) WHERE rehearsed > 0;

-- 1: it went out as a test; 2: it never went out and stands in held/out/.
ALTER TABLE run ADD COLUMN rehearsed INTEGER NOT NULL DEFAULT 0;

-- Who reads the view is to see that.
DROP VIEW v_file;
CREATE VIEW v_file AS
SELECT f.file_id, f.partner, f.intake, f.name, f.first_seen, f.state, f.verdict, f.messages, f.accepted, f.unchanged, f.duplicate,
  f.stale, f.held, f.refused, f.code, f.decided_at, f.place, f.day, f.size, f.reason_text, f.comment,
  CASE abs(f.rehearsed) WHEN 1 THEN 'test' WHEN 2 THEN 'shadow' ELSE 'live' END AS mode
FROM file f;
